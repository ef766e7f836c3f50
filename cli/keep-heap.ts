import { performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { HeapKeeper } from './heap-keeper.ts'

/** Looks after this process's heap; see `HeapKeeper`. */
export function keepHeap(): void {
  let last = performance.eventLoopUtilization()
  const utilization = () => {
    const before = last
    last = performance.eventLoopUtilization()
    return performance.eventLoopUtilization(last, before).utilization
  }
  const newBytes = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
  new HeapKeeper({}, { utilization, newBytes, setFlags: setFlagsFromString }).start()
}
