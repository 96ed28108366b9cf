// What the page does beside being read: it filters and searches rows, opens what a link leads to, collects what was
// ticked, and copies. Without it everything is there.
;(() => {
  'use strict'
  const one = (selector, within = document) => within.querySelector(selector),
    all = (selector, within = document) => [...within.querySelectorAll(selector)]

  for (const button of all('button[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', async () => {
      const box = button.dataset.copy === 'lines' ? one('#lines') : undefined,
        from = box ?? button.previousElementSibling
      try {
        await navigator.clipboard.writeText(box ? box.value : from.textContent)
        button.textContent = 'copied'
      } catch {
        if (box) box.select()
        else getSelection().selectAllChildren(from)
        button.textContent = 'selected: press Ctrl-C'
      }
      setTimeout(() => (button.textContent = 'copy'), 2500)
    })
  }

  const tools = one('.tools')
  if (!tools) return
  tools.hidden = false
  const which = one('#which'),
    part = one('#part'),
    words = one('#words'),
    groups = all('.group'),
    cards = new Map(all('.group article').map(card => [card, card.textContent.toLowerCase()]))

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean)
    let shown = 0
    const from = part?.value ?? ''
    for (const [card, text] of cards) {
      card.hidden = (from !== '' && card.dataset.part !== from) || !wanted.every(word => text.includes(word))
    }
    for (const group of groups) {
      const count = all('article:not([hidden])', group).length
      group.hidden = count === 0 || (which.value !== '' && which.value !== group.id)
      if (!group.hidden) shown += count
    }
    if (wanted.length > 0 || from || which.value) for (const rest of all('.rest')) rest.open = true
    one('#found').value = shown === 1 ? '1 row' : `${shown} rows`
  }
  function clear() {
    words.value = which.value = ''
    if (part) part.value = ''
    filter()
  }
  let waiting
  words.addEventListener('input', () => {
    clearTimeout(waiting)
    waiting = setTimeout(filter, 120)
  })
  which.addEventListener('change', filter)
  part?.addEventListener('change', filter)
  tools.addEventListener('submit', event => event.preventDefault())
  one('#clear').addEventListener('click', () => {
    clear()
    words.focus()
  })
  addEventListener('keydown', event => {
    if (
      event.key !== '/' ||
      event.ctrlKey ||
      event.metaKey ||
      /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)
    ) {
      return
    }
    event.preventDefault()
    words.focus()
  })

  /** Shows what the address leads to, whatever is filtered or folded. */
  function follow() {
    const target = document.getElementById(location.hash.slice(1))
    if (!target?.matches('.group, article')) return
    clear()
    for (let fold = target.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true
    const details = one('details', target)
    if (details) details.open = true
    target.scrollIntoView()
  }
  addEventListener('hashchange', follow)
  addEventListener('click', event => {
    const link = event.target.closest?.('a[href^="#"]')
    // an address that stays the same is no change of it
    if (link && link.hash === location.hash) follow()
  })

  const ticks = all('input[data-line]')
  for (const tick of ticks) {
    tick.closest('label').hidden = false
    tick.addEventListener('change', () => {
      const lines = new Set(ticks.filter(({ checked }) => checked).map(({ dataset }) => dataset.line))
      one('#lines').value = [...lines].map(line => `${line}\n`).join('')
      one('#ticked').textContent = lines.size === 1 ? '1 row is ticked.' : `${lines.size} rows are ticked.`
      one('#tray').hidden = lines.size === 0
    })
  }
  filter()
  follow()
})()
