import { css } from "lit";

export const lightboxStyles = css`
  .view {
    display: grid;
    grid-template-rows: minmax(0, 1fr) auto;
    gap: var(--space-3);
    height: 100%;
  }
  .stage {
    display: grid;
    place-items: center;
    min-height: 0;
    overflow: hidden;
    touch-action: none;
  }
  .stage.large {
    cursor: grab;
  }
  .stage.large:active {
    cursor: grabbing;
  }
  img {
    max-width: 100%;
    max-height: 100%;
    min-width: 0;
    min-height: 0;
    object-fit: contain;
    transform-origin: center;
    user-select: none;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: center;
    gap: var(--space-1);
  }
  .place {
    min-width: 5em;
    color: var(--muted);
    text-align: center;
  }
  .gap {
    width: var(--space-4);
  }
`;
