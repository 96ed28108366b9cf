/** Bounds on an edit: how alike the sides may be, how different, and where a trainer cuts them off. */
import { Type } from '../../engine/contract/define.ts'
import type { Declined } from './prove.ts'

/** The bounds as options. */
export const limitOptions = {
  max_chars: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'characters (code points) of a side that a trainer reads: no pair whose sides are equal so far. No bound when left out',
    }),
  ),
  min_edit_share: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0,
    description:
      'edit distance over the length of the longer side, at least: pairs that are too alike can lower the likelihood of both sides',
  }),
  max_edit_share: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: 'edit distance over the length of the longer side, at most',
  }),
}

/** The bounds as they are kept. */
export interface EditLimits {
  /** code points of a side that a trainer sees: sides that are equal so far are no pair */
  readonly max_chars?: number
  /** edit distance over the length of the longer side, least and most */
  readonly min_edit_share?: number
  readonly max_edit_share?: number
}

/** The edit if it may pass, or why not. */
export function within<E extends { readonly text: string; readonly size: number }>(
  { max_chars, min_edit_share = 0, max_edit_share = 1 }: EditLimits,
  { text }: { readonly text: string },
  edit: E,
): E | Declined {
  if (max_chars !== undefined && head(text, max_chars) === head(edit.text, max_chars)) return 'cut_off'
  return edit.size < min_edit_share ? 'too_alike' : edit.size > max_edit_share ? 'too_different' : edit
}

/** The first code points of a text. */
function head(text: string, points: number): string {
  const first = text.slice(0, 2 * points)
  return /[\ud800-\udfff]/.test(first) ? [...first].slice(0, points).join('') : first.slice(0, points)
}
