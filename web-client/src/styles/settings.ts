import { css } from "lit";

/** Choices that belong together, below a heading of their own. */
export const choiceGroups = css`
  fieldset {
    display: grid;
    gap: var(--space-3);
    margin: 0;
    padding: 0 0 var(--space-5);
    border: 0;
  }
  legend {
    margin-bottom: var(--space-3);
    padding: 0;
    font-weight: 550;
  }
`;
