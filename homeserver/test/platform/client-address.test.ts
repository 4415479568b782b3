import { expect, test } from "vitest";
import { networkOf, parseClientAddress } from "../../src/platform/client-address.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["192.0.2.7:4711", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::FFFF:192.0.2.7", "192.0.2.7"],
  ["2001:DB8::1", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["[::ffff:192.0.2.7]:443", "192.0.2.7"],
  ["fe80::1%eth0", "fe80::1"],
  ["unknown", undefined],
  ["_hidden", undefined],
  ["", undefined],
  ["192.0.2.7:", undefined],
  ["192.0.2.7:443:443", undefined],
  ["999.0.2.7", undefined],
  ["[192.0.2.7", undefined],
  ["2001:db8::1]", undefined],
  ["192.0.2.7 evil", undefined],
  ["1".repeat(10_000), undefined],
  [undefined, undefined],
])("%j is the address %j", (text, address) => {
  expect(parseClientAddress(text)).toBe(address);
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:0:0:0:0:0:1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["1::", "1:0:0:0::/64"],
  ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
  ["1:2:3:4:5:6:192.0.2.7", "1:2:3:4::/64"],
  ["nonsense:", "nonsense:"],
])("%j stands for %j", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
