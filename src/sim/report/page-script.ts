/**
 * What runs in the reader's browser: a cursor on every chart, by pointer or arrow keys, that reads the values from the
 * page's own data; and lines that stand out while one points at their name. Without it the page shows the same pictures.
 */

export const pageScript = `
'use strict'
const results = JSON.parse(document.getElementById('results').textContent)
const at = path => path.split('/').reduce((value, key) => value?.[key], results)
const three = value => Number(value.toPrecision(3)).toLocaleString('en')
const units = {
  ms: value => value < 10000 ? three(value) + ' ms' : three(value / 1000) + ' s',
  percent: value => three(100 * value) + ' %',
  number: three,
}
const clock = seconds => {
  const parts = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(part => String(Math.floor(part)).padStart(2, '0'))
  return seconds < 3600 ? parts.slice(1).join(':') : parts.join(':')
}

for (const plot of document.querySelectorAll('.plot')) {
  const lines = [...plot.querySelectorAll('[data-of]')]
  const seconds = at(lines[0].dataset.of.split('/')[0] + '/series/seconds')
  const start = Math.min(0, seconds[0])
  const span = plot.dataset.end - start
  const cursor = Object.assign(document.createElement('div'), { className: 'cursor', hidden: true })
  const reading = Object.assign(document.createElement('div'), { className: 'reading', hidden: true })
  plot.append(cursor, reading)
  plot.tabIndex = 0
  for (const [name, value] of Object.entries({ role: 'slider', 'aria-valuemin': 0, 'aria-valuemax': seconds.length - 1, 'aria-valuenow': 0 })) plot.setAttribute(name, value)
  let index = 0

  const window = Number(plot.dataset.window)
  const mean = values => {
    const first = index - index % window
    const around = values.slice(first, first + window).filter(value => value !== null)
    return around.length === 0 ? null : around.reduce((sum, value) => sum + value, 0) / around.length
  }
  const show = next => {
    index = Math.max(0, Math.min(seconds.length - 1, next))
    const share = (seconds[index] - start) / span
    const values = lines
      .map(line => ({ name: line.dataset.name, colour: line.style.stroke, value: mean(at(line.dataset.of)) }))
      .filter(({ value }) => typeof value === 'number')
      .sort((a, b) => b.value - a.value)
    reading.replaceChildren(clock(seconds[index]), ...values.map(({ name, colour, value }) => {
      const row = document.createElement('div')
      const key = document.createElement('i')
      key.style.setProperty('--c', colour)
      row.append(key, name + ' ' + units[plot.dataset.unit](value))
      return row
    }))
    cursor.style.left = 100 * share + '%'
    reading.style.left = share < 0.5 ? 'calc(' + 100 * share + '% + 8px)' : 'auto'
    reading.style.right = share < 0.5 ? 'auto' : 'calc(' + 100 * (1 - share) + '% + 8px)'
    plot.setAttribute('aria-valuenow', index)
    plot.setAttribute('aria-valuetext', [...reading.childNodes].map(node => node.textContent).join(', '))
    cursor.hidden = reading.hidden = false
  }
  const hide = () => { cursor.hidden = reading.hidden = true }

  plot.addEventListener('pointermove', event => {
    const { left, width } = plot.getBoundingClientRect()
    const wanted = start + span * (event.clientX - left) / width
    let nearest = 0
    for (let i = 1; i < seconds.length; i++) if (Math.abs(seconds[i] - wanted) < Math.abs(seconds[nearest] - wanted)) nearest = i
    show(nearest)
  })
  plot.addEventListener('pointerleave', hide)
  plot.addEventListener('blur', hide)
  plot.addEventListener('keydown', event => {
    const far = Math.max(1, Math.round(seconds.length / 20))
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -far, PageUp: far, Home: -Infinity, End: Infinity }[event.key]
    if (event.key === 'Escape') return hide()
    if (step === undefined) return
    event.preventDefault()
    show(reading.hidden && Number.isFinite(step) ? index : index + step)
  })
}

for (const key of document.querySelectorAll('.legend li')) {
  const plots = key.closest('figure').querySelectorAll('.plot')
  key.addEventListener('pointerenter', () => plots.forEach(plot => {
    plot.dataset.only = ''
    for (const line of plot.querySelectorAll('.line')) line.classList.toggle('only', line.dataset.name === key.textContent)
  }))
  key.addEventListener('pointerleave', () => plots.forEach(plot => { delete plot.dataset.only }))
}
`
