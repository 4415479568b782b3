import { css } from "lit";

export const roomStyles = css`
  :host {
    display: block;
    height: 100%;
  }
  main {
    display: grid;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr) auto;
    height: 100%;
  }
  weft-room-header,
  weft-room-gate {
    grid-column: 1 / -1;
  }
  weft-room-gate {
    grid-row: 1 / -1;
  }
  .conversation {
    grid-area: 2 / 1;
    position: relative;
    display: grid;
    grid-template: minmax(0, 1fr) auto auto auto auto auto / minmax(0, 1fr);
    min-width: 0;
    min-height: 0;
  }
  weft-space-overview {
    grid-area: 2 / 1;
    min-width: 0;
  }
  weft-timeline {
    grid-row: 1;
  }
  .replaced {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: var(--space-3);
    margin: 0 var(--space-4) var(--space-2);
    padding: var(--space-2);
    border-radius: var(--radius);
    background: var(--accent-soft);
  }
  .knocks {
    display: block;
    margin: 0 var(--space-4) var(--space-2);
  }
  .identities {
    display: grid;
    gap: var(--space-2);
    margin: 0 var(--space-4) var(--space-2);
  }
  .drop {
    position: absolute;
    inset: var(--space-2);
    z-index: 4;
    display: flex;
    align-items: center;
    justify-content: center;
    gap: var(--space-2);
    border: 2px dashed var(--accent);
    border-radius: var(--radius-big);
    background: color-mix(in oklab, var(--paper) 88%, transparent);
    font-weight: 600;
    pointer-events: none;
  }
  weft-room-panel {
    grid-area: 2 / 2;
    width: clamp(290px, 28vw, 340px);
    min-height: 0;
    border-inline-start: 1px solid var(--line);
  }
  .broad weft-room-panel {
    width: clamp(320px, 38vw, 480px);
  }
  @media (max-width: 960px) {
    weft-room-panel,
    .broad weft-room-panel {
      grid-area: 2 / 1 / 3 / 3;
      z-index: 5;
      width: auto;
      border: 0;
    }
  }
`;
