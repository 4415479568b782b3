/** How tests start Chromium, without a screen: its program as Debian has it, or another by WEFT_CHROMIUM. */
export const CHROMIUM = {
  executablePath: process.env["WEFT_CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
};
