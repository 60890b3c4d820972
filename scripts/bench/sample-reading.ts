/** What the benchmarks' devices measure: four values, as a Zigbee climate sensor sends them. */
export function sampleReading(n: number): {
  temperature: number;
  humidity: number;
  battery: number;
  linkquality: number;
} {
  return {
    temperature: 20 + (n % 1_000) / 100,
    humidity: 40 + (n % 599) / 10,
    battery: 100 - (n % 47),
    linkquality: n % 256,
  };
}
