import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let made: { key: Buffer; cert: Buffer } | undefined

/** A key and a certificate that nobody has signed, made by openssl at the first call. */
export function certificate(): { key: Buffer; cert: Buffer } {
  made ??= make()
  return made
}

function make(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
    const form = [
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=127.0.0.1',
      '-addext',
      names,
    ]
    const { status, stderr, error } = spawnSync('openssl', ['req', ...form, '-keyout', key, '-out', cert])
    if (status !== 0) throw new Error(`openssl made no certificate: ${error ?? stderr}`)
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
