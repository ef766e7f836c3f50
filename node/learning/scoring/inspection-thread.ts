import { parentPort, workerData } from 'node:worker_threads'
import { type InspectionJob, inspectUpdates } from './update-inspection.ts'

/* The thread of `UpdateInspector`: one job, then it ends. */
parentPort!.postMessage(await inspectUpdates(workerData as InspectionJob))
