/** Certificates for tests of TLS: X.509 v3 (RFC 5280) with P-256 keys, written here since Node.js reads them only. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface TestCertificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly name: string
  readonly privateKey: KeyObject
}

export interface CertificateWish {
  /** Common name. */
  readonly name: string
  /** DNS names and addresses beside it; addresses as IPv4. */
  readonly alternatives?: readonly string[]
  /** Absent: signs itself. */
  readonly issuer?: TestCertificate
}

const oids = {
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  subjectAltName: [0x55, 0x1d, 0x11],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
} as const

let serial = 0

/** Valid from 2020 to 2049; whoever has no issuer may sign others. */
export function makeCertificate({ name, alternatives = [], issuer }: CertificateWish): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const extensions = [
    ...(issuer === undefined ? [extension(oids.basicConstraints, sequence(tagged(0x01, [0xff])))] : []),
    ...(alternatives.length > 0 ? [extension(oids.subjectAltName, sequence(...alternatives.map(generalName)))] : []),
  ]
  const body = sequence(
    tagged(0xa0, tagged(0x02, [2])),
    tagged(0x02, [++serial]),
    algorithm,
    distinguished(issuer?.name ?? name),
    sequence(tagged(0x17, Buffer.from('200101000000Z')), tagged(0x17, Buffer.from('491231235959Z'))),
    distinguished(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [tagged(0xa3, sequence(...extensions))] : []),
  )
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey)
  const der = sequence(body, algorithm, tagged(0x03, Buffer.concat([Buffer.of(0), signature])))
  const lines = der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  return {
    ...{ name, privateKey, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` },
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function tagged(tag: number, content: ArrayLike<number>): Buffer {
  const bytes = Buffer.from(content as number[])
  const { length } = bytes
  const lengthBytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), bytes])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function oid(bytes: readonly number[]): Buffer {
  return tagged(0x06, bytes)
}

function distinguished(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid(oids.commonName), tagged(0x0c, Buffer.from(commonName)))))
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return sequence(oid(id), tagged(0x04, value))
}

function generalName(text: string): Buffer {
  const isAddress = /^[\d.]+$/.test(text)
  return isAddress ? tagged(0x87, text.split('.').map(Number)) : tagged(0x82, Buffer.from(text))
}
