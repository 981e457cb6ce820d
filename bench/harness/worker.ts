/** A contender's process: opens one row's task for one peer and does its rounds when it is told to. */
import { metered } from './meter.ts'
import type { Answer, Assignment, Question } from './messages.ts'
import { profiled } from './profile.ts'
import type { Task } from './workload.ts'
import { workloadOf } from '../workloads/workloads.ts'

const { workload, context } = JSON.parse(process.argv[2] ?? '') as Assignment

const opening = workloadOf(workload).open(context)
process.on('message', (question: Question) => void say(answerTo(question)))
process.on('disconnect', () => process.exit())
await say(opening.then(() => ({ is: 'open' })))

async function answerTo(question: Question): Promise<Answer> {
  const task = await opening
  switch (question.ask) {
    case 'prepare':
      await task.prepare?.()
      return { is: 'figures', figures: {} }
    case 'round': {
      const { result, cost } = await metered(() => task.round(question.mode))
      return { is: 'round', ...result, ...cost }
    }
    case 'inspect':
      return { is: 'figures', figures: (await task.inspect?.(question.mode)) ?? {} }
    case 'profile':
      return { is: 'profile', lines: await profiled(() => repeat(task, question.mode, question.rounds)) }
    case 'finish':
      return { is: 'figures', figures: (await task.finish?.()) ?? {} }
    case 'close':
      await task.close()
      return { is: 'closed' }
  }
}

async function repeat(task: Task, mode: string, rounds: number): Promise<void> {
  await task.prepare?.()
  for (let round = 0; round < rounds; round++) await task.round(mode)
}

async function say(answer: Promise<Answer>): Promise<void> {
  const said = await answer.catch((error: Error): Answer => ({ is: 'failed', error: error.stack ?? String(error) }))
  process.send?.(said)
}
