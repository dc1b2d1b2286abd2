import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

// Servers and proxies that the tests start, and Debian's packages of them.

/** @type {Record<string, { package: string, is: () => boolean }>} */
const PROGRAMS = {
  nginx: { package: 'nginx-light', is: () => answers('nginx', '-v') },
  nchan: {
    package: 'libnginx-mod-nchan',
    is: () => existsSync('/usr/lib/nginx/modules/ngx_nchan_module.so'),
  },
  caddy: { package: 'caddy', is: () => answers('caddy', 'version') },
  haproxy: { package: 'haproxy', is: () => answers('haproxy', '-v') },
  varnishd: { package: 'varnish', is: () => answers('varnishd', '-V') },
  'redis-server': { package: 'redis-server', is: () => answers('redis-server', '--version') },
  postgres: { package: 'postgresql', is: () => postgresFolder() !== undefined },
  'nats-server': { package: 'nats-server', is: () => answers('nats-server', '--version') },
  // It depends on zurl, which makes its requests.
  pushpin: { package: 'pushpin', is: () => answers('pushpin', '--version') },
}

/** Where Debian has its newest Postgres, which is on nobody's path. */
export function postgresFolder() {
  const all = '/usr/lib/postgresql'
  const [newest] = existsSync(all) ? readdirSync(all).sort((one, other) => Number(other) - Number(one)) : []
  return newest && `${all}/${newest}/bin`
}

/** Debian's packages of all that is not here. */
export const missingPackages = () =>
  Object.values(PROGRAMS)
    .filter(({ is }) => !is())
    .map((program) => program.package)

/**
 * Why a test that needs these programs cannot run; nothing where it can.
 *
 * @param {readonly string[]} names
 */
export function whyNot(names) {
  const missing = names.flatMap((name) => {
    const program = PROGRAMS[name]
    if (!program) throw new Error(`no such program: ${name}`)
    return program.is() ? [] : [`${name} (Debian's package ${program.package})`]
  })
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`
}

/** @param {string} command @param {string} argument */
const answers = (command, argument) => spawnSync(command, [argument]).error === undefined
