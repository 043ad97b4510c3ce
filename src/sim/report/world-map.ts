/**
 * Who served whom: regions as rings by their slots, cities as pies of who served them, by requests, and the main flows
 * between them.
 */

import type { CityResult, RegionResult, SimulationResult } from '../result.ts'
import { mapHeight, mapWidth, placeOnMap } from './equal-earth.ts'
import { escapeHtml, number, percent } from './html.ts'
import { renderFoldedNumbers } from './numbers-table.ts'

/** With more cities, lines from each would hide the map. */
const mostCitiesWithLines = 60
/** Smaller shares of a city are left out of the lines. */
const leastShare = 0.03
const mostRows = 60
const largestCity = 15
/** Share of the map under all cities together. */
const mostCovered = 0.03
const largestRegion = 26

/**
 * The land that all maps of a page stand on, once.
 *
 * @param land rings of longitudes and latitudes in turn, in tenths of a degree
 */
export function renderLand(land: readonly (readonly number[])[]): string {
  return `<svg class="defs" aria-hidden="true"><defs><path id="land" class="land" d="${land.map(outline).join('')}"/></defs></svg>`
}

/** Needs the page's `renderLand`. */
export function renderWorldMap(result: SimulationResult): string {
  const { regions } = result
  const cities = result.cities.filter(({ requests }) => requests > 0).sort((a, b) => b.requests - a.requests)
  const most = Math.max(1, ...cities.map(({ requests }) => requests))
  const flows = cities.length > mostCitiesWithLines ? [] : cities.map(city => renderFlows(city, regions, most))
  const radius = cityRadius(cities.reduce((sum, { requests }) => sum + requests / most, 0))
  const pies = cities.map(city => renderPie(city, regions, Math.max(1, radius * Math.sqrt(city.requests / most))))
  const summary = regions
    .map(({ id, served }) => `${id} ${percent(served / Math.max(1, result.totals.served))}`)
    .join(', ')
  return `<figure class="map"><figcaption><b>Who served whom</b> <span>rings are regions by slots, discs are cities by requests</span></figcaption>
<div class="world"><svg viewBox="0 0 ${mapWidth} ${mapHeight}" role="img" aria-label="World map. Served: ${escapeHtml(summary)}">
<use href="#land"/><g class="flows">${flows.join('')}</g>${pies.join('')}${renderRegions(regions)}</svg>
${renderNames(regions)}</div>
${renderFoldedNumbers(tableOf(cities, regions))}</figure>`
}

function outline(ring: readonly number[]): string {
  const points: string[] = []
  for (let at = 0; at < ring.length; at += 2) points.push(point(ring[at + 1]! / 10, ring[at]! / 10))
  return `M${points.join('L')}Z`
}

function renderRegions(regions: readonly RegionResult[]): string {
  const most = mostSlots(regions)
  return regions
    .map(({ id, name, latitude, longitude, slots, served }, at) => {
      const [x, y] = placeOnMap(latitude, longitude)
      const radius = radiusOf(slots, most)
      const title = `${id} (${name}): ${number(slots)} slots, served ${number(served)}`
      return `<circle class="ring" style="--c:var(--r${at})" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}"><title>${escapeHtml(title)}</title></circle>`
    })
    .join('')
}

/**
 * Radius of the largest city: all together leave most of the map free.
 *
 * @param sum of the areas of all cities, that of the largest being 1
 */
function cityRadius(sum: number): number {
  return Math.min(largestCity, Math.sqrt((mostCovered * mapWidth * mapHeight) / Math.PI / Math.max(1, sum)))
}

function mostSlots(regions: readonly RegionResult[]): number {
  return Math.max(1, ...regions.map(({ slots }) => slots))
}

function radiusOf(slots: number, most: number): number {
  return Math.max(4, largestRegion * Math.sqrt(slots / most))
}

/** Beside the picture, so that they are as large on a narrow page. */
function renderNames(regions: readonly RegionResult[]): string {
  const most = mostSlots(regions)
  const names = regions.map(({ id, latitude, longitude, slots }, at) => {
    const [x, y] = placeOnMap(latitude, longitude)
    const below = y + radiusOf(slots, most)
    const place = `left:${((100 * x) / mapWidth).toFixed(2)}%;top:${((100 * below) / mapHeight).toFixed(2)}%`
    return `<span style="--c:var(--r${at});${place}">${escapeHtml(id)}</span>`
  })
  return `<div class="names" aria-hidden="true">${names.join('')}</div>`
}

function renderPie(city: CityResult, regions: readonly RegionResult[], radius: number): string {
  const [x, y] = placeOnMap(city.latitude, city.longitude)
  const parts = sharesOf(city, regions)
  const told = parts.filter(({ share }) => share >= 0.01).map(({ id, share }) => `${id} ${Math.round(100 * share)} %`)
  const title = `${city.name}: ${number(city.requests)} requests; ${told.join(', ')}`
  // Slices that nobody could see are left to the largest one.
  const largest = parts[0]
  let from = 0
  const slices = parts
    .slice(1)
    .filter(({ share }) => share * radius > 0.3)
    .map(({ at, share }) => {
      const path = slice(x, y, radius, from, from + share)
      from += share
      return `<path fill="var(--r${at})" d="${path}"/>`
    })
  const colour = largest === undefined ? 'ink' : `r${largest.at}`
  return `<g class="city"><title>${escapeHtml(title)}</title><circle fill="var(--${colour})" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}"/>${slices.join('')}</g>`
}

interface Share {
  readonly at: number
  readonly id: string
  /** Of what was served there. */
  readonly share: number
}

function sharesOf({ servedBy }: CityResult, regions: readonly RegionResult[]): Share[] {
  const served = servedBy.reduce((sum, count) => sum + count, 0)
  return regions
    .map(({ id }, at) => ({ at, id, share: (servedBy[at] ?? 0) / Math.max(1, served) }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
}

/** From the top, clockwise; shares of the circle. */
function slice(x: number, y: number, radius: number, from: number, to: number): string {
  const at = (share: number): string => {
    const angle = 2 * Math.PI * share
    return `${(x + radius * Math.sin(angle)).toFixed(1)} ${(y - radius * Math.cos(angle)).toFixed(1)}`
  }
  return `M${x.toFixed(1)} ${y.toFixed(1)}L${at(from)}A${radius.toFixed(1)} ${radius.toFixed(1)} 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}Z`
}

function renderFlows(city: CityResult, regions: readonly RegionResult[], most: number): string {
  return sharesOf(city, regions)
    .filter(({ share }) => share >= leastShare)
    .map(({ at, share }) => {
      const strength = Math.max(0.5, 7 * Math.sqrt((share * city.requests) / most))
      return `<path style="--c:var(--r${at});--w:${strength.toFixed(1)}px" d="${greatCircle(city, regions[at]!)}"/>`
    })
    .join('')
}

interface Place {
  readonly latitude: number
  readonly longitude: number
}

/** The way of the light, roughly; interrupted where it leaves the map on one side to come in on the other. */
function greatCircle(from: Place, to: Place): string {
  const [a, b] = [toVector(from), toVector(to)]
  const angle = Math.acos(Math.min(1, Math.max(-1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])))
  const steps = Math.max(2, Math.ceil(angle / 0.08))
  let path = ''
  let before: number | undefined
  for (let step = 0; step <= steps; step++) {
    const [left, right] =
      angle < 1e-6 ? [1, 0] : [Math.sin(angle * (1 - step / steps)), Math.sin((angle * step) / steps)]
    const [x, y, z] = [left * a[0] + right * b[0], left * a[1] + right * b[1], left * a[2] + right * b[2]]
    const latitude = (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI
    const longitude = (Math.atan2(y, x) * 180) / Math.PI
    path += before === undefined || Math.abs(longitude - before) > 180 ? 'M' : 'L'
    path += point(latitude, longitude)
    before = longitude
  }
  return path
}

function toVector({ latitude, longitude }: Place): [number, number, number] {
  const [up, east] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
  return [Math.cos(up) * Math.cos(east), Math.cos(up) * Math.sin(east), Math.sin(up)]
}

function point(latitude: number, longitude: number): string {
  const [x, y] = placeOnMap(latitude, longitude)
  return `${x.toFixed(1)} ${y.toFixed(1)}`
}

function tableOf(
  cities: readonly CityResult[],
  regions: readonly RegionResult[],
): { headers: string[]; rows: string[][] } {
  return {
    headers: ['city', 'requests', ...regions.map(({ id }) => id)],
    rows: cities.slice(0, mostRows).map(city => {
      const served = city.servedBy.reduce((sum, count) => sum + count, 0)
      return [
        city.name,
        number(city.requests),
        ...regions.map((_, at) => percent((city.servedBy[at] ?? 0) / Math.max(1, served))),
      ]
    }),
  }
}
