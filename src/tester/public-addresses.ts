import { type LookupAddress, lookup as lookUp } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { HttpOptions } from './http.ts'

/** [spec] What is no address of the public Internet. https://www.iana.org/assignments/iana-ipv4-special-registry */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

/** The same for IPv6, of which only one eighth is public at all. Some of that leads to addresses of IPv4. */
const PUBLIC_IPV6 = ['2000::', 3] as const
const SPECIAL_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const special = new BlockList()
for (const [address, prefix] of SPECIAL_IPV4) special.addSubnet(address, prefix, 'ipv4')
for (const [address, prefix] of SPECIAL_IPV6) special.addSubnet(address, prefix, 'ipv6')
const public6 = new BlockList()
public6.addSubnet(...PUBLIC_IPV6, 'ipv6')

/** Whether this is the address of a host in the public Internet. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !special.check(address, 'ipv4')
  return family === 6 && public6.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

/**
 * Lets the tester ask public addresses only, for a server that tests what strangers ask for. What is checked is the very address
 * that is connected to, also where a redirect leads, so a name cannot lead elsewhere in between.
 *
 * @param isAllowed tells public addresses from others
 * @param resolve finds the addresses of a name; Node's own, if left out
 */
export function publicOnly(
  isAllowed: (address: string) => boolean = isPublic,
  resolve: typeof lookUp = lookUp,
): Required<Pick<HttpOptions, 'lookup' | 'permit'>> {
  const lookup: LookupFunction = (name, options, callback) => {
    resolve(name, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return callback(error, '')
      const refused = addresses.find(({ address }) => !isAllowed(address))
      if (refused !== undefined) callback(new RefusedError(`the address ${refused.address} of ${name}`), '')
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
  const permit = ({ hostname }: URL) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !isAllowed(host)) throw new RefusedError(`the address ${host}`)
  }
  return { lookup, permit }
}

/** An address was not asked. */
class RefusedError extends Error {
  override name = 'RefusedError'
  readonly code = 'NOT_PUBLIC'

  constructor(what: string) {
    super(`${what} is not public, and so is not asked`)
  }
}
