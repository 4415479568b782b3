/** Messages of one topic between the replicas of a server. A lost one is not sent again. */
export interface Channel<T> {
  /** Tells all other replicas. */
  publish(message: T): void;
  /** Calls back for what others tell. @returns what unsubscribes */
  subscribe(listener: (message: T) => void): () => void;
  /**
   * Calls back after a lost connection: messages may have been missed.
   * @returns what unsubscribes
   */
  onReconnect(listener: () => void): () => void;
}
