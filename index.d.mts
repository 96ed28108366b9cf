export * from './app/api.ts'
