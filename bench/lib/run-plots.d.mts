// The types of the plots, for the tests that are written in TypeScript.

export function latencyPlots(run: any): Map<string, string>
export function scalePlots(run: any): Map<string, string>
export function comparePlots(run: any): Map<string, string>
