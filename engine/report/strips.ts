/**
 * Strips: charts of one row's height, as wide as their cell of a table, with places in percent. So the table is the
 * chart. SVG without a style of its own: classes say what a mark stands for.
 */
export const at = (place: number): string => String(Math.round(place * 100) / 100)
export const tip = (text: string): string => `<title>${text}</title>`

/** Places of a strip go from 0 to 1 of its width. */
const across = (place: number): string => `${at(100 * Math.min(1, Math.max(0, place)))}%`
export const stripBar = (from: number, to: number, of: string, title = ''): string =>
  `<rect class="${of}" x="${across(from)}" width="${across(to - from)}" y="20%" height="60%">${title && tip(title)}</rect>`
export const stripDot = (place: number, of: string, title = ''): string =>
  `<circle class="${of}" cx="${across(place)}" cy="50%" r="4.5">${title && tip(title)}</circle>`
export const stripRange = (from: number, to: number, of = ''): string =>
  `<line class="ci ${of}" x1="${across(from)}" x2="${across(to)}" y1="50%" y2="50%"/>`
/** What values are held against. */
export const stripRule = (place: number): string =>
  `<line class="ref" x1="${across(place)}" x2="${across(place)}" y1="0" y2="100%"/>`
/** Its numbers stand in the cells beside it, so it is not read out. */
export const strip = (marks: readonly string[]): string =>
  `<svg class="strip" aria-hidden="true">${marks.join('')}</svg>`
/** The axis below a column of strips: places and what stands there. */
export const stripAxis = (ticks: readonly (readonly [number, string])[]): string =>
  strip(
    ticks.map(([place, text]) => {
      const anchor = place < 0.02 ? 'start' : place > 0.98 ? 'end' : 'middle'
      return `<text x="${across(place)}" y="80%" text-anchor="${anchor}">${text}</text>`
    }),
  )
