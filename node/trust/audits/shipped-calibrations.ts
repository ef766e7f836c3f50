import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type CalibrationMeasurement, calibrationMessage } from '../../../protocol/messages/calibration.ts'

/** Beside the embedded models: `shoal audit calibrate --out` writes them. */
const FOLDER = fileURLToPath(new URL('../../../inference/models/embedded/', import.meta.url))
const SUFFIX = '.calibration.json'

/** Measurements of the embedded models that come with this version, so that a fresh node can audit at once. */
export async function shippedCalibrations(): Promise<CalibrationMeasurement[]> {
  const files = (await readdir(FOLDER)).filter(name => name.endsWith(SUFFIX)).toSorted()
  const texts = await Promise.all(files.map(name => readFile(join(FOLDER, name), 'utf8')))
  return texts.map(text => z.decode(calibrationMessage.schema, JSON.parse(text) as CalibrationMeasurement))
}
