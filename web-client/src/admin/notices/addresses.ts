/** The addresses in a text, one a line or parted by blanks or commas; local names are completed. */
export function addresses(text: string, server: string): { good: string[]; bad: string[] } {
  const all = text.split(/[\s,;]+/).filter((part) => part !== "");
  const whole = all.map((part) => {
    const name = part.startsWith("@") ? part : `@${part}`;
    return name.includes(":") ? name : `${name}:${server}`;
  });
  const isGood = (name: string): boolean =>
    /^@[\x21-\x39\x3b-\x7e]+:/.test(name) && name.endsWith(`:${server}`) && name.length <= 255;
  return {
    good: [...new Set(whole.filter(isGood))],
    bad: whole.filter((name) => !isGood(name)),
  };
}
