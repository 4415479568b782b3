/** Standard base64 without padding, as Matrix writes keys, signatures and hashes. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return withoutPadding(btoa(binary));
}

/** Reads both alphabets, padded or not. Throws when it is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(withoutPadding(plain)), (char) => char.charCodeAt(0));
}

/** The URL-safe alphabet of JSON web keys. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_");
}

/** Base64 text without the `=` at its end. */
export function withoutPadding(base64: string): string {
  let end = base64.length;
  while (base64[end - 1] === "=") end -= 1;
  return base64.slice(0, end);
}
