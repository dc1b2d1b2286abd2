import { Ticks } from '../Ticks.jsx'

export default function Page() {
  return <Ticks />
}
