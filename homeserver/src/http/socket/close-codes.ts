/** Why sockets are closed. (spec/socket.md; RFC 6455, 7.4) */
export const CLOSE = {
  /** The server stops; another one, or the same in a moment, goes on. */
  restart: 1012,
  /** The client broke the rules of the socket. */
  breach: 4400,
  /** The token is not, or no longer, good. */
  token: 4401,
  /** No token was shown in time. */
  late: 4408,
  /** Too many sockets of one user. */
  tooMany: 4429,
} as const;
