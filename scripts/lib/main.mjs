/** Runs a script's body: what it returns is the exit code, what it throws is one line and 1. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(`weft: ${error.message}`);
    process.exitCode = 1;
  }
}
