/**
 * A throw-away certificate authority for demonstrations and tests on one machine: X.509 v3 written as
 * DER by hand (RFC 5280), because node:crypto reads certificates and makes none. ECDSA on P-256.
 */
import { X509Certificate, createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

const DAY_MS = 24 * 3600_000;

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  subjectAltName: "2.5.29.17",
  subjectKeyIdentifier: "2.5.29.14",
  authorityKeyIdentifier: "2.5.29.35",
};

/** Makes an authority. @returns {{ cert: string, issue(names: string[]): { cert: string, key: string } }} */
export function createAuthority(name = "Weft's throw-away CA") {
  const keys = newKeys();
  const authority = { name, keyId: keyIdOf(keys.publicKey), privateKey: keys.privateKey };
  const cert = certificate(authority, name, keys.publicKey, [
    extension(OID.basicConstraints, sequence(boolean(true)), true),
    // keyCertSign and cRLSign: bits 5 and 6.
    extension(OID.keyUsage, tagged(0x03, Buffer.from([0x01, 0x06])), true),
    extension(OID.subjectKeyIdentifier, tagged(0x04, authority.keyId)),
  ]);
  return {
    /** PEM of the authority's own certificate. */
    cert,
    /** A server's certificate for host names and IP addresses, with its key, both PEM. */
    issue(names) {
      const own = newKeys();
      const pem = certificate(authority, names[0], own.publicKey, [
        extension(OID.basicConstraints, sequence(), true),
        // digitalSignature: bit 0.
        extension(OID.keyUsage, tagged(0x03, Buffer.from([0x07, 0x80])), true),
        extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
        extension(OID.subjectAltName, sequence(...names.map(generalName))),
        extension(OID.subjectKeyIdentifier, tagged(0x04, keyIdOf(own.publicKey))),
        extension(OID.authorityKeyIdentifier, sequence(tagged(0x80, authority.keyId))),
      ]);
      return { cert: pem, key: own.privateKey.export({ type: "pkcs8", format: "pem" }) };
    },
  };
}

function newKeys() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function certificate(issuer, subject, publicKey, extensions) {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const now = Date.now();
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(new Date(now - DAY_MS)), time(new Date(now + 365 * DAY_MS))),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, issuer.privateKey);
  const der = sequence(body, algorithm, bitString(signature));
  return new X509Certificate(der).toString();
}

function keyIdOf(publicKey) {
  return createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

function generalName(name) {
  const family = isIP(name);
  if (family === 0) return tagged(0x82, Buffer.from(name, "ascii"));
  return tagged(0x87, family === 4 ? Buffer.from(name.split(".").map(Number)) : ipv6(name));
}

function ipv6(address) {
  const [head, tail = ""] = address.split("::");
  const groups = (text) => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail)];
  const middle = address.includes("::") ? 8 - before.length - after.length : 0;
  const all = [...before, ...Array(middle).fill("0"), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function distinguishedName(commonName) {
  const value = tagged(0x0c, Buffer.from(commonName, "utf8"));
  return sequence(tagged(0x31, sequence(oid(OID.commonName), value)));
}

function extension(id, value, critical = false) {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), tagged(0x04, value));
}

/** UTCTime: YYMMDDHHMMSSZ. */
function time(date) {
  const text = date.toISOString().replace(/[-:T]/g, "").slice(2, 14);
  return tagged(0x17, Buffer.from(`${text}Z`, "ascii"));
}

function boolean(value) {
  return tagged(0x01, Buffer.from([value ? 0xff : 0x00]));
}

function integer(bytes) {
  return tagged(0x02, bytes);
}

function bitString(bytes) {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function sequence(...parts) {
  return tagged(0x30, Buffer.concat(parts));
}

function oid(text) {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function tagged(tag, content) {
  const { length } = content;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : [0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
