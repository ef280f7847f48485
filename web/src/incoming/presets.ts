/** The senders that are known. */
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";

export type Preset = Schemas["Preset"];

export function usePresets() {
  return useQuery({ queryKey: ["presets"], queryFn: async () => (await answer(api.GET("/presets"))).data, staleTime: 60_000 });
}

/** The sender of this id, once it is known. */
export function usePreset(id: string | null | undefined): Preset | undefined {
  return usePresets().data?.find((preset) => preset.id === id);
}
