/** What a scenario's events do to its world. */

import { parseDuration } from '../../config/duration.ts'
import { arcKm, toUnitVector } from '../../geo/coordinates.ts'
import type { Region } from '../../regions/region.ts'
import { type Fault, shown } from '../../schema.ts'
import type { Change, City } from '../world.ts'
import { findCity } from './pick-cities.ts'
import type { Scenario, ScenarioEvent } from './schema.ts'

/** Keys that say what happens: exactly one of them stands in an event. */
const effects = ['demand', 'capacity', 'service', 'down', 'store', 'cutOff'] as const
type Effect = (typeof effects)[number]
/** Keys that may stand beside each, saying to whom and how. */
const beside: Readonly<Record<Effect, readonly (keyof ScenarioEvent)[]>> = {
  demand: ['continent', 'country', 'city'],
  capacity: ['region', 'continent'],
  service: ['region', 'continent'],
  down: ['region', 'continent', 'slowStart'],
  store: [],
  cutOff: ['router'],
}

/** The places that events speak of; none where the scenario does not say rightly which there are. */
export interface Ground {
  readonly cities: readonly City[]
  readonly regions: readonly Region[]
  /** All big cities: they tell a region's continent. */
  readonly known: readonly City[]
}

/** What an event says wrongly by itself. */
function eventFaults({ events, duration, routers }: Scenario): Fault[] {
  return events.flatMap((event, index) => {
    const faults: Fault[] = []
    const fault = (key: string, message: string) =>
      faults.push({ path: key === '' ? `events[${index}]` : `events[${index}].${key}`, message })
    const fromMs = parseDuration(event.at)
    if (fromMs >= parseDuration(duration)) fault('at', `expected a time before the end (${duration}), not ${event.at}`)
    if (event.until !== undefined && parseDuration(event.until) <= fromMs) {
      fault('until', `expected a time after ${event.at}, not ${event.until}`)
    }
    const said = effects.filter(key => event[key] !== undefined && event[key] !== false)
    const effect = said[0]
    if (effect === undefined || said.length > 1) {
      fault('', `expected one of ${effects.join(', ')}, not ${said.length === 0 ? 'none' : said.join(' and ')}`)
      return faults
    }
    const allowed = new Set<string>(['at', 'until', 'label', effect, ...beside[effect]])
    for (const key of Object.keys(event)) if (!allowed.has(key)) fault(key, `means nothing beside ${effect}`)
    const targets = (['continent', 'country', 'city', 'region'] as const).filter(key => event[key] !== undefined)
    if (targets.length > 1) fault('', `expected one of ${targets.join(', ')}, not all of them`)
    const concernsRegions = effect === 'capacity' || effect === 'service' || effect === 'down'
    if (concernsRegions && targets.length === 0) fault('region', 'is missing: which region, or which continent?')
    if (effect === 'cutOff' && !(event.router! <= routers.count)) {
      fault('router', `expected a router from 1 to ${routers.count}, not ${event.router ?? 'none'}`)
    }
    return faults
  })
}

/**
 * Events as changes of the world.
 *
 * @param faults takes whoever there is not; an event with a fault of its own is passed over
 */
export function toChanges(scenario: Scenario, ground: Ground, faults: Fault[]): readonly Change[] {
  const { events, duration } = scenario
  const wrong = eventFaults(scenario)
  faults.push(...wrong)
  const isWrong = (index: number) => wrong.some(({ path }) => path.split('.')[0] === `events[${index}]`)
  return events.flatMap((event, index): Change[] =>
    isWrong(index) ? [] : [toChange(event, index, duration, ground, faults)],
  )
}

function toChange(event: ScenarioEvent, index: number, duration: string, ground: Ground, faults: Fault[]): Change {
  const span = {
    fromMs: parseDuration(event.at),
    toMs: parseDuration(event.until ?? duration),
    label: event.label ?? describe(event),
  }
  if (event.store !== undefined) return { ...span, kind: 'store-lost' }
  if (event.cutOff === true) return { ...span, kind: 'cut-off', router: event.router! - 1 }
  if (event.demand !== undefined) {
    return { ...span, kind: 'demand', cities: citiesOf(event, index, ground, faults), factor: event.demand }
  }
  const regions = regionsOf(event, index, ground, faults)
  if (event.capacity !== undefined) return { ...span, kind: 'capacity', regions, factor: event.capacity }
  if (event.service !== undefined) return { ...span, kind: 'slow', regions, factor: event.service }
  const slowStartMs = event.slowStart === undefined ? 0 : parseDuration(event.slowStart)
  return { ...span, kind: 'down', regions, slowStartMs }
}

function citiesOf(
  { continent, country, city }: ScenarioEvent,
  index: number,
  ground: Ground,
  faults: Fault[],
): number[] {
  const { cities } = ground
  const wanted = city === undefined ? undefined : findCity(city, cities)
  const places = cities.flatMap((each, place) => {
    const fits =
      (continent === undefined || matches(continent, each.continent)) &&
      (country === undefined || matches(country, each.country)) &&
      (city === undefined || each === wanted)
    return fits ? [place] : []
  })
  if (places.length === 0 && cities.length > 0) {
    const [key, value] = Object.entries({ continent, country, city }).find(each => each[1] !== undefined) ?? []
    faults.push({
      path: `events[${index}].${key}`,
      message: `expected one with clients of this scenario, not ${shown(value)}`,
    })
  }
  return places
}

function regionsOf({ continent, region }: ScenarioEvent, index: number, ground: Ground, faults: Fault[]): number[] {
  const pattern = region === undefined ? undefined : new RegExp(`^${region.replaceAll('*', '.*')}$`)
  const places = ground.regions.flatMap((each, place) => {
    const fits = pattern?.test(each.id) ?? matches(continent!, continentOf(each, ground.known))
    return fits ? [place] : []
  })
  if (places.length === 0 && ground.regions.length > 0) {
    const [key, value] = region === undefined ? ['continent', continent] : ['region', region]
    faults.push({
      path: `events[${index}].${key}`,
      message: `expected one with regions of this scenario, not ${shown(value)}`,
    })
  }
  return places
}

/** `AS`, or `!AS` for everything else. */
function matches(wanted: string, found: string): boolean {
  return wanted.startsWith('!') ? wanted.slice(1) !== found : wanted === found
}

/** That of the nearest big city. */
function continentOf({ coordinates }: Region, known: readonly City[]): string {
  const here = toUnitVector(coordinates)
  let [nearest, least] = ['', Number.POSITIVE_INFINITY]
  for (const city of known) {
    const km = arcKm(here, toUnitVector(city))
    if (km < least) [nearest, least] = [city.continent, km]
  }
  return nearest
}

function describe({
  continent,
  country,
  city,
  region,
  demand,
  capacity,
  service,
  store,
  router,
}: ScenarioEvent): string {
  const who = continent ?? country ?? city ?? region ?? 'everywhere'
  if (demand !== undefined) return `demand × ${demand}: ${who}`
  if (capacity !== undefined) return `capacity × ${capacity}: ${who}`
  if (service !== undefined) return `service time × ${service}: ${who}`
  if (store !== undefined) return 'store lost'
  return router === undefined ? `down: ${who}` : `router ${router} cut off`
}
