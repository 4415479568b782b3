import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { openLink } from "./link.ts";

test("a link carries bytes both ways, breaks when it is cut, and carries again when it is mended", async () => {
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(echo, "listening");
  const link = await openLink((echo.address() as AddressInfo).port);
  const open = async () => {
    const socket = connect(link.port, "127.0.0.1");
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("hello");
    const first = await Promise.race([once(socket, "data"), closed]);
    return { socket, closed, first: Array.isArray(first) ? String(first[0]) : "closed" };
  };
  const before = await open();
  expect(before.first).toBe("hello");
  link.cut();
  await before.closed;
  expect((await open()).first).toBe("closed");
  link.mend();
  const after = await open();
  expect(after.first).toBe("hello");
  after.socket.destroy();
  await link.close();
  echo.close();
});
