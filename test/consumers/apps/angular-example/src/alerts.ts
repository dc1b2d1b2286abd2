import { filter, from, map } from 'rxjs'
import { feed } from './feed'

export const loads = from(feed.latest('cpu')).pipe(map((event) => event?.data.load))
export const busy = loads.pipe(filter((load) => load !== undefined && load > 0.9))
