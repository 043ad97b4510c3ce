/** Colours for regions and policies, each as a pair for light and dark pages (CSS Color 4, OKLCH). */

/** Hues that neighbours in the list tell apart: the first six are as far from each other as they can be. */
const hues = [255, 60, 150, 325, 100, 22, 205, 290, 125, 345, 178, 232]
/** Where hues come round again, another lightness tells them apart. */
const lightness = [
  [0.55, 0.72],
  [0.7, 0.58],
  [0.42, 0.86],
] as const

/** Custom properties `--<prefix>0` and on, for the style sheet. */
export function colourProperties(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const [light, dark] = lightness[Math.floor(index / hues.length) % lightness.length]!
    const hue = hues[index % hues.length]!
    return `--${prefix}${index}:light-dark(oklch(${light} .16 ${hue}),oklch(${dark} .15 ${hue}));`
  }).join('')
}
