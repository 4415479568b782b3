import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";

/** Why a file is no PEM certificate; undefined when it is one. */
export function certificateProblem(path: string): string | undefined {
  return problem(() => new X509Certificate(readFileSync(path)), "holds no PEM certificate");
}

/** Why a file is no private key, or not that of the certificate; undefined when it is. */
export function keyProblem(path: string, certificatePath: string | undefined): string | undefined {
  const why = problem(() => createPrivateKey(readFileSync(path)), "holds no PEM private key");
  if (why !== undefined || certificatePath === undefined) return why;
  const certificate = new X509Certificate(readFileSync(certificatePath));
  const belongs = certificate.checkPrivateKey(createPrivateKey(readFileSync(path)));
  return belongs ? undefined : "is not the key of the certificate in tls_cert";
}

function problem(read: () => unknown, otherwise: string): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "EACCES" || code === "EISDIR"
      ? `cannot be read (${code})`
      : otherwise;
  }
}
