const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an authority that Node does not know',
  UNABLE_TO_GET_ISSUER_CERT: 'is signed by an authority that Node does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an authority that Node does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'comes without the certificate of the authority that has signed it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another host name',
}

const OTHERS: Readonly<Record<string, (host: string) => string>> = {
  ECONNREFUSED: (host) => `connection refused: nothing listens at ${host}`,
  ECONNRESET: (host) => `${host} has closed the connection without a response`,
  EPIPE: (host) => `${host} has closed the connection without a response`,
  ENOTFOUND: (host) => `the name in ${host} has no address`,
  EAI_AGAIN: (host) => `the name in ${host} cannot be resolved now`,
  EHOSTUNREACH: (host) => `${host} cannot be reached`,
  ENETUNREACH: (host) => `${host} cannot be reached: there is no network to it`,
  ETIMEDOUT: (host) => `${host} does not answer`,
  HPE_HEADER_OVERFLOW: (host) => `the head of the response of ${host} is larger than 16 kB`,
}

/** Node's error for a request or a response, as one line that says what to do. */
export function networkErrorInWords(error: unknown, { host, protocol }: URL): string {
  const { code = '', message = '', errors = [] } = error as NodeJS.ErrnoException & { errors?: unknown[] }
  const [first] = errors
  // Node has tried several addresses.
  if (first !== undefined) return networkErrorInWords(first, { host, protocol } as URL)
  if (code === 'NOT_PUBLIC') return message
  const certificate = CERTIFICATE[code]
  if (certificate !== undefined)
    return `TLS: the certificate of ${host} ${certificate}; NODE_EXTRA_CA_CERTS=FILE makes Node trust another authority`
  const words = OTHERS[code]
  if (words !== undefined) return words(host)
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    code === 'EPROTO'
  )
    return `TLS: ${host} does not speak TLS as it should; if it speaks none, use http:`
  if (code.includes('NO_APPLICATION_PROTOCOL'))
    return `${host} speaks HTTP/2 only, and this command speaks HTTP/1.1`
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return `TLS: ${host}: ${code}`
  if (code.startsWith('HPE_')) {
    const remedy = protocol === 'http:' ? '; if it speaks TLS, use https:' : ''
    return `${host} does not speak HTTP/1.1${remedy}`
  }
  return `${host}: ${message || code || 'the connection has failed'}`
}
