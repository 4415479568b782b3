import { msg } from "@lit/localize";

/** An emoji of a short authentication string. */
interface SasEmoji {
  symbol: string;
  name: string;
}

/** By number, in the order of the specification ("SAS method: emoji"). */
const SYMBOLS = (
  "🐶 🐱 🦁 🐎 🦄 🐷 🐘 🐰 🐼 🐓 🐧 🐢 🐟 🐙 🦋 🌷 🌳 🌵 🍄 🌏 🌙 ☁️ 🔥 🍌 🍎 🍓 🌽 🍕 🎂 ❤️ 😀 🤖 " +
  "🎩 👓 🔧 🎅 👍 ☂️ ⌛ ⏰ 🎁 💡 📕 ✏️ 📎 ✂️ 🔒 🔑 🔨 ☎️ 🏁 🚂 🚲 ✈️ 🚀 🏆 ⚽ 🎸 🎺 🔔 ⚓ 🎧 📁 📌"
).split(" ");
function names(): string[] {
  return msg(
    "Dog|Cat|Lion|Horse|Unicorn|Pig|Elephant|Rabbit|Panda|Rooster|Penguin|Turtle|Fish|Octopus|" +
      "Butterfly|Flower|Tree|Cactus|Mushroom|Globe|Moon|Cloud|Fire|Banana|Apple|Strawberry|Corn|" +
      "Pizza|Cake|Heart|Smiley|Robot|Hat|Glasses|Spanner|Santa|Thumbs Up|Umbrella|Hourglass|Clock|" +
      "Gift|Light Bulb|Book|Pencil|Paperclip|Scissors|Lock|Key|Hammer|Telephone|Flag|Train|Bicycle|" +
      "Aeroplane|Rocket|Trophy|Ball|Guitar|Trumpet|Bell|Anchor|Headphones|Folder|Pin",
  ).split("|");
}

/** The emoji of these numbers (0 to 63): two people compare them by reading the names to one another. */
export function sasEmoji(numbers: readonly number[]): SasEmoji[] {
  const said = names();
  return numbers.map((number) => ({
    symbol: SYMBOLS[number] ?? "?",
    name: said[number] ?? "?",
  }));
}
