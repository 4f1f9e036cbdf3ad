import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const templateSchema = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
type Template = z.infer<typeof templateSchema>;
export type TemplateResource = Template['Resources'][string];

/** The templates of an assembly, by their files' names. */
function readTemplates(directory: string): Map<string, Template> {
  return new Map(
    readdirSync(directory)
      .filter((file) => file.endsWith('.template.json'))
      .map((file) => [file, templateSchema.parse(JSON.parse(readFileSync(join(directory, file), 'utf8')))]),
  );
}

/**
 * An assembly with other templates and the same assets, made without a new synth: what a person may do in the console,
 * or a fault of the code that makes templates.
 * @param edit changes resources in place.
 */
export function editedAssembly(
  from: string,
  to: string,
  edit: (resources: TemplateResource[]) => void,
): string {
  mkdirSync(to, { recursive: true });
  const templates = readTemplates(from);
  edit([...templates.values()].flatMap(({ Resources }) => Object.values(Resources)));
  for (const file of readdirSync(from)) {
    const template = templates.get(file);
    if (template !== undefined) writeFileSync(join(to, file), JSON.stringify(template));
    else if (file.startsWith('asset.')) symlinkSync(join(from, file), join(to, file));
    else cpSync(join(from, file), join(to, file), { recursive: true });
  }
  return to;
}
