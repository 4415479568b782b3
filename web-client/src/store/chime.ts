let audio: AudioContext | undefined;

/** Two soft tones, made here: no file is loaded for them. A browser that plays nothing before a click stays still. */
export function chime(): void {
  audio ??= new AudioContext();
  const { currentTime: now, destination } = audio;
  void audio.resume();
  for (const [at, frequency] of [
    [0, 659],
    [0.12, 880],
  ] as const) {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.value = frequency;
    loudness.gain.setValueAtTime(0, now + at);
    loudness.gain.linearRampToValueAtTime(0.08, now + at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.001, now + at + 0.35);
    tone.connect(loudness).connect(destination);
    tone.start(now + at);
    tone.stop(now + at + 0.36);
  }
}
