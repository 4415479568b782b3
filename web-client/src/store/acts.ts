/** What is asked for before something is done. */
export interface ActField {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** `moment` is a day and a time, `tick` yes or no, `lines` a longer text. */
  readonly type: "text" | "password" | "number" | "moment" | "tick" | "choice" | "lines";
  /** What stands in it at first; "yes" for one that is ticked. */
  readonly value?: string;
  readonly isRequired?: boolean;
  /** Of a choice. */
  readonly options?: readonly (readonly [value: string, label: string])[];
  /** What is wrong with a value, in words. */
  check?(value: string): string | undefined;
}

/** What was filled in, by name: texts without blanks around them, "yes" or "" for ticks. */
export type ActValues = Readonly<Record<string, string>>;

/** What the window shows when all is done, instead of closing: something to copy, say. */
export interface ActOutcome {
  readonly text: string;
  readonly copy?: string;
}

/** The window goes on with what can be said only now: to how many something is done, say. */
interface NextAct {
  readonly next: Act;
}

/** Something that is done after a window has said what it does, to how many, and whether it can be undone. */
export interface Act {
  readonly heading: string;
  readonly text?: string;
  /** How it can be undone, or that it cannot. */
  readonly undo?: string;
  readonly fields?: readonly ActField[];
  /** What has to be typed before something that cannot be undone. */
  readonly typed?: string;
  /** On the button. */
  readonly action: string;
  readonly isDanger?: boolean;
  run(values: ActValues): Promise<ActOutcome | NextAct | void>;
  /** The field that an error is about. */
  fieldOf?(error: unknown): string | undefined;
}
