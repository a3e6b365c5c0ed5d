import type { Diagnosis } from 'flyshuttle'

export function formatDiagnosis(diagnosis: Diagnosis, hasColors: boolean): string
