import { deepEqual, equal, throws } from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Hours, parseHourSpan } from '../../../../../node/learning/lifecycle/limits/hours.ts'
import { Memory } from '../../../../../node/learning/lifecycle/limits/memory.ts'
import {
  linuxPower,
  macPower,
  Power,
  powerSource,
} from '../../../../../node/learning/lifecycle/limits/power.ts'
import { linuxThermometer, Temperature } from '../../../../../node/learning/lifecycle/limits/temperature.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const folders = new TemporaryFolders()
after(() => folders.remove())

async function system(files: Record<string, string>) {
  const root = await folders.make()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), `${content}\n`)
  }
  return root
}

describe('limits of learning', () => {
  const berlin = async (iso: string, ...hours: string[]) => {
    const limit = new Hours({ hours, timeZone: 'Europe/Berlin' }, { clock: new ManualClock(Date.parse(iso)) })
    return (await limit.check()).kind === 'allowed'
  }

  it('are hours by the clock on the wall', async () => {
    equal(await berlin('2026-01-05T12:00:00Z'), true)
    // Berlin is an hour ahead in winter and two in summer.
    deepEqual(
      await Promise.all(
        ['20:59', '21:00', '23:30', '05:59', '06:00'].map(time =>
          berlin(`2026-01-05T${time}:00Z`, '22:00-07:00'),
        ),
      ),
      [false, true, true, true, false],
    )
    deepEqual(
      await Promise.all(
        ['19:59', '20:00', '04:59', '05:00'].map(time => berlin(`2026-07-06T${time}:00Z`, '22:00-07:00')),
      ),
      [false, true, true, false],
    )
  })

  it('are hours on some days; a night belongs to the evening it began on', async () => {
    const hours = ['fri 22:00-07:00', 'sun-mon 10:00-12:00']
    const cases: [string, boolean][] = [
      ['2026-01-09T23:00:00+01:00', true],
      ['2026-01-10T06:59:00+01:00', true],
      ['2026-01-10T23:00:00+01:00', false],
      ['2026-01-09T06:00:00+01:00', false],
      ['2026-01-11T11:00:00+01:00', true],
      ['2026-01-12T11:00:00+01:00', true],
      ['2026-01-13T11:00:00+01:00', false],
    ]
    for (const [iso, expected] of cases) equal(await berlin(iso, ...hours), expected, iso)
  })

  it('are hours that come twice in autumn, and not at all in spring', async () => {
    // 2026-10-25: 02:30 twice. 2026-03-29: no 02:30.
    for (const iso of ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'])
      equal(await berlin(iso, '02:00-03:00'), true, iso)
    equal(await berlin('2026-10-25T02:30:00Z', '02:00-03:00'), false)
    for (const iso of ['2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z'])
      equal(await berlin(iso, '02:00-03:00'), false, iso)
  })

  it('refuse hours that are none', () => {
    for (const text of [
      '',
      '22-07',
      '25:00-07:00',
      '22:60-07:00',
      '24:00-07:00',
      '07:00-07:00',
      'someday 07:00-08:00',
    ])
      throws(() => parseHourSpan(text), RangeError, text)
    equal(parseHourSpan('00:00-24:00').to, 1_440)
  })

  const laptop = (status: string, online: string) =>
    system({ 'AC/type': 'Mains', 'AC/online': online, 'BAT0/type': 'Battery', 'BAT0/status': status })

  it('are power, as Linux and macOS tell of it', async () => {
    equal(await linuxPower(await laptop('Discharging', '0'))(), 'battery')
    equal(await linuxPower(await laptop('Charging', '1'))(), 'mains')
    equal(
      await linuxPower(
        await system({ 'mouse/type': 'Battery', 'mouse/scope': 'Device', 'mouse/status': 'Discharging' }),
      )(),
      'mains',
    )
    equal(await linuxPower('/nowhere')(), null)
    equal(await macPower(async () => "Now drawing from 'AC Power'\n -InternalBattery-0")(), 'mains')
    equal(await macPower(async () => "Now drawing from 'Battery Power'\n")(), 'battery')
    equal(await macPower(() => Promise.reject(new Error('no pmset')))(), null)
    equal(await powerSource('win32')(), null)

    const source = linuxPower(await laptop('Discharging', '0'))
    equal((await new Power({ power: 'ac' }, { source }).check()).kind, 'hindered')
    equal((await new Power({ power: 'any' }, { source }).check()).kind, 'allowed')
    equal((await new Power({ power: 'ac' }, { source: async () => null }).check()).kind, 'unknown')
  })

  it('are the temperature of processors, and of nothing else', async () => {
    const root = await system({
      'thermal/thermal_zone0/type': 'x86_pkg_temp',
      'thermal/thermal_zone0/temp': '61000',
      'thermal/thermal_zone1/type': 'iwlwifi_1',
      'thermal/thermal_zone1/temp': '99000',
      'hwmon/hwmon0/name': 'nvme',
      'hwmon/hwmon0/temp1_input': '98000',
      'hwmon/hwmon1/name': 'k10temp',
      'hwmon/hwmon1/temp1_input': '72500',
      'hwmon/hwmon1/temp2_input': '-273000',
      'hwmon/hwmon1/temp3_input': 'none',
    })
    equal(await linuxThermometer(root)(), 72.5)
    equal(await linuxThermometer('/nowhere')(), null)
  })

  it('let a hot machine cool down before it goes on', async () => {
    let celsius: number | null = 84
    const limit = new Temperature({ maxTemperature: 85 }, { thermometer: async () => celsius })
    const kinds = []
    for (celsius of [84, 85, 84, 76, 75, 74, 84, null]) kinds.push((await limit.check()).kind)
    deepEqual(kinds, [
      'allowed',
      'hindered',
      'hindered',
      'hindered',
      'hindered',
      'allowed',
      'allowed',
      'unknown',
    ])
  })

  it('are memory that is free, and that learning holds', async () => {
    const clock = new ManualClock()
    let freeBytes = 2_000
    const limit = new Memory({ minFreeBytes: 1_000, maxBytes: 5_000 }, { clock, freeBytes: () => freeBytes })
    const check = async (running: boolean, residentBytes: number | null = null) => {
      const verdict = await limit.check({ running, residentBytes })
      return verdict.kind === 'hindered' ? verdict.frees : verdict.kind
    }
    equal(await check(true, 5_000), 'allowed')
    equal(await check(true, 5_001), true)
    // What it gave back is no reason to take it again at once.
    equal(await check(false), true)
    clock.jump(5 * 60_000)
    equal(await check(false), 'allowed')
    freeBytes = 999
    equal(await check(false), true)
    equal(await check(true), true)
    freeBytes = 2_000
    equal(await check(false), true)
  })
})
