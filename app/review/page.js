// The page's script: shows one pair after another, and sends what is decided. Cards come as HTML that the server made
// of data, in which nothing is obeyed.
const element = id => document.getElementById(id)
const policy = window.trustedTypes?.createPolicy('cards', { createHTML: html => html })
const words = ['keep', 'flip', 'drop']

/** Places of the pairs that were shown, to go back to. */
const shown = []
let at = 0,
  counts,
  isBusy = false

async function ask(what, body) {
  const response = await fetch(what, body && { method: 'POST', body: JSON.stringify(body) })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.error ?? `the server said ${response.status}`)
  return answer
}

const percent = share => `${share.toFixed(share < 10 ? 1 : 0)} %`
function showCounts() {
  const { total, decided, wrong, share } = counts
  element('progress').max = Math.max(1, total)
  element('progress').value = decided
  element('counts').textContent =
    `${decided} of ${total} decided` +
    (share
      ? `; ${wrong} ${wrong === 1 ? 'label' : 'labels'} wrong, ${percent(share.value)} of those decided [${percent(share.low)} to ${percent(share.high)}]`
      : '')
}

function showDecision(decision) {
  for (const word of words) element(word).setAttribute('aria-pressed', String(word === decision))
}

async function show(place) {
  const card = element('card')
  if (place < 0 || counts.total === 0) {
    at = -1
    card.textContent = counts.total === 0 ? 'There is nothing on this list.' : 'All are decided.'
    card.append(document.createElement('br'), `Next: ${counts.next}`)
    card.setAttribute('aria-busy', 'false')
    showDecision(null)
    element('title').focus()
    return
  }
  card.setAttribute('aria-busy', 'true')
  const { html, decision, note } = await ask(`pair?at=${place}`)
  at = place
  card.innerHTML = policy ? policy.createHTML(html) : html
  card.setAttribute('aria-busy', 'false')
  element('title').textContent = `Which side is better? ${place + 1} of ${counts.total}`
  element('note').value = note
  showDecision(decision)
  window.scrollTo(0, 0)
  element('title').focus({ preventScroll: true })
}

const say = text => {
  element('said').textContent = text
}

async function decide(decision) {
  if (at < 0) return
  const place = at
  counts = await ask('decide', { at: place, decision, note: element('note').value })
  shown.push(place)
  say(`${place + 1}: ${decision}`)
  showCounts()
  await show(counts.open)
}

const actions = {
  async begin() {
    counts = await ask('counts')
    showCounts()
    await show(counts.open)
  },
  keep: () => decide('keep'),
  flip: () => decide('flip'),
  drop: () => decide('drop'),
  async skip() {
    if (at < 0) return
    shown.push(at)
    say(`${at + 1}: skipped`)
    await show(at + 1 < counts.total ? at + 1 : counts.open)
  },
  async back() {
    const place = shown.pop()
    if (place !== undefined) await show(place)
  },
  async undo() {
    const answer = await ask('undo', {})
    counts = answer
    showCounts()
    say(answer.at < 0 ? 'nothing to undo' : `${answer.at + 1}: undone`)
    if (answer.at >= 0) await show(answer.at)
  },
  async done() {
    counts = await ask('done', {})
    showCounts()
    for (const button of document.querySelectorAll('button')) button.disabled = true
    say(`Done. Next: ${counts.next}`)
    at = -1
  },
}

/** One thing at a time: what is not written yet is not decided. */
async function act(name) {
  if (isBusy) return
  isBusy = true
  try {
    await actions[name]()
    element('problem').hidden = true
  } catch (error) {
    element('problem').textContent = `This was not written: ${error.message}. Is \`sluice review\` still running?`
    element('problem').hidden = false
  } finally {
    isBusy = false
  }
}

for (const button of document.querySelectorAll('nav button')) button.addEventListener('click', () => act(button.id))
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const note = element('note')
  if (event.target === note) {
    if (event.key === 'Enter' || event.key === 'Escape') note.blur()
    return
  }
  const key = event.key.toLowerCase()
  if (key === 'n') {
    event.preventDefault()
    note.focus()
    return
  }
  const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`)
  if (!button || event.repeat) return
  event.preventDefault()
  act(button.id)
})

await act('begin')
