/** The senders that are known. */
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { useLanguage } from "../texts";
import { senders } from "../texts/it/senders";

export type Preset = Schemas["Preset"];

export function usePresets() {
  return useQuery({ queryKey: ["presets"], queryFn: async () => (await answer(api.GET("/presets"))).data, staleTime: 60_000 });
}

/** What is to be known of a sender, in the chosen language where it is known in it. What people write themselves is theirs. */
export function useHint(preset: Preset | undefined): string {
  const language = useLanguage();
  const hint = preset?.hint ?? "";
  return language === "it" ? (senders[hint] ?? hint) : hint;
}

/** The sender of this id, once it is known. */
export function usePreset(id: string | null | undefined): Preset | undefined {
  return usePresets().data?.find((preset) => preset.id === id);
}
