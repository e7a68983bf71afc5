// A self-signed certificate, which Node's crypto can't make: just enough DER (X.690) for X.509 v3 (RFC 5280).
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const tlv = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  const n = body.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts) => tlv(0x30, ...parts);
const oid = (hex) => tlv(0x06, Buffer.from(hex, 'hex'));
const octets = (...parts) => tlv(0x04, ...parts);
const bits = (unused, ...parts) => tlv(0x03, Buffer.from([unused]), ...parts);
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302')); // 1.2.840.10045.4.3.2
const extension = (id, critical, value) => sequence(oid(id), ...(critical ? [TRUE] : []), octets(value));

/** time writes a moment as UTCTime, or from 2050 on as GeneralizedTime. */
function time(date) {
  const text = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(`${text.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${text}Z`));
}

/** certificate makes a key and a certificate of it for the name localhost, good for both sides of TLS and as its own authority. */
export function certificate() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x3f) | 0x40; // positive, and of full length
  const name = sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from('localhost')))));
  const from = new Date(Date.now() - 30_000);
  const until = new Date(from);
  until.setUTCFullYear(until.getUTCFullYear() + 30);
  const keyId = createHash('sha1').update(spki).digest();
  const extensions = sequence(
    extension('551d0f', true, bits(2, Buffer.from([0xac]))), // keyUsage: digitalSignature, keyEncipherment, keyAgreement, keyCertSign
    extension('551d25', false, sequence(oid('2b06010505070301'), oid('2b06010505070302'))), // extKeyUsage: serverAuth, clientAuth
    extension('551d13', true, sequence(TRUE)), // basicConstraints: an authority, for it is its own
    extension('551d0e', false, octets(keyId)),
    extension('551d11', false, sequence(tlv(0x82, Buffer.from('localhost')))), // subjectAltName
  );
  const tbs = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), tlv(0x02, serial), ECDSA_SHA256, name, sequence(time(from), time(until)), name, spki, tlv(0xa3, extensions),
  );
  const der = sequence(tbs, ECDSA_SHA256, bits(0, sign('sha256', tbs, privateKey)));
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  return { der, pem, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}
