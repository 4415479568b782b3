/** QR codes of bytes: what is verified by them is no text. The library knows texts, so that each byte is a character to it. */

/** The squares of the code, by rows: true is dark. With a quiet zone around them. */
export async function encodeQr(bytes: Uint8Array): Promise<boolean[][]> {
  const { encodeQR } = await import("qr");
  return encodeQR(String.fromCharCode(...bytes), "raw", {
    ecc: "low",
    encoding: "byte",
    border: 4,
    textEncoder: (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)),
  });
}

/** Reads the code in a picture; undefined when there is none to be read. */
export type QrReader = (picture: ImageData) => Uint8Array | undefined;

/** Loads what reads codes: it is several times as large as what draws them. */
export async function loadQrReader(): Promise<QrReader> {
  const { decodeQR } = await import("qr/decode.js");
  const textDecoder = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
  return ({ width, height, data }) => {
    try {
      const text = decodeQR({ width, height, data }, { textDecoder });
      return Uint8Array.from(text, (character) => character.charCodeAt(0));
    } catch {
      return undefined;
    }
  };
}

/** Whether there may be a camera that this page can ask for. */
export function hasCamera(): boolean {
  return "mediaDevices" in navigator && "getUserMedia" in navigator.mediaDevices;
}
