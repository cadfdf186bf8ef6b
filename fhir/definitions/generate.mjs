// Turns the R4 definitions package into the tables of tables.h.
//   node generate.mjs PACKAGE_FOLDER OUTPUT.cc
// Rows keep the order of the definitions; types, codes and search parameters are sorted for binary search.
import fs from 'node:fs';
import path from 'node:path';

const [, , packageFolder, output] = process.argv;
const r4 = path.join(packageFolder, 'dist/fhir/r4');
const resources = (file) => JSON.parse(fs.readFileSync(path.join(r4, file))).entry.map((entry) => entry.resource);

const profiles = [...resources('profiles-types.json'), ...resources('profiles-resources.json')];

const NONE = 0xffff;
const kPrimitives = [
  '', 'boolean', 'integer', 'unsignedInt', 'positiveInt', 'decimal', 'string', 'markdown', 'code', 'id', 'uri', 'url', 'canonical',
  'oid', 'uuid', 'date', 'dateTime', 'instant', 'time', 'base64Binary', 'xhtml',
];
const kSearchTypes = ['number', 'date', 'string', 'token', 'reference', 'composite', 'quantity', 'uri', 'special'];
const kOps = { property: 0, index: 1, isResource: 2, refersTo: 3, whereEquals: 4, isTrue: 5 };
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const lastSegment = (url) => url.split('/').pop();

function fail(message) {
  throw new Error(`definitions: ${message}`);
}

// -- Value sets --------------------------------------------------------------------------------------------------------

const valueSets = new Map();
const codeSystems = new Map();
for (const file of ['valuesets.json', 'v3-codesystems.json', 'v2-tables.json']) {
  for (const resource of resources(file)) {
    if (resource.resourceType === 'ValueSet') valueSets.set(resource.url, resource);
    if (resource.resourceType === 'CodeSystem') codeSystems.set(resource.url, resource);
  }
}

function conceptsBelow(concepts, out) {
  for (const concept of concepts ?? []) {
    out.push(concept.code);
    conceptsBelow(concept.concept, out);
  }
  return out;
}

// [[system, code]...], or null when the package does not enumerate the set (MIME types, currencies, UCUM).
function expand(url) {
  const valueSet = valueSets.get(url);
  if (!valueSet?.compose || valueSet.compose.exclude) return null;
  const codes = [];
  for (const include of valueSet.compose.include) {
    if (include.filter || include.valueSet) return null;
    const system = codeSystems.get(include.system);
    if (include.concept) codes.push(...include.concept.map((concept) => [include.system, concept.code]));
    else if (system?.content === 'complete') codes.push(...conceptsBelow(system.concept, []).map((code) => [include.system, code]));
    else return null;
  }
  return codes;
}

const bindings = [];
const codes = [];
const bindingOf = new Map();
function bindingIndex(url) {
  if (!bindingOf.has(url)) {
    const expansion = expand(url);
    if (!expansion) {
      bindingOf.set(url, NONE);
    } else {
      const unique = [...new Map(expansion.map((pair) => [pair.join(' '), pair])).values()];
      unique.sort((a, b) => byText(a[1], b[1]) || byText(a[0], b[0]));
      bindingOf.set(url, bindings.length);
      bindings.push({ url, first: codes.length, count: unique.length });
      codes.push(...unique);
    }
  }
  return bindingOf.get(url);
}

// -- Types and elements ------------------------------------------------------------------------------------------------

// The package has resource types of later releases, too (SubscriptionStatus).
const ofR4 = new Set(expand('http://hl7.org/fhir/ValueSet/resource-types').map(([, code]) => code));
const structures = profiles.filter(
  (r) => r.resourceType === 'StructureDefinition' && r.derivation !== 'constraint' && r.kind !== 'logical' &&
    (r.kind !== 'resource' || r.abstract || ofR4.has(r.name)),
);
const types = [];
const typeIndex = new Map();

function addType(name, kind, base, abstract) {
  types.push({ name, kind, base, abstract, rows: [] });
}
for (const structure of structures) {
  const kind = { 'primitive-type': 0, 'complex-type': 1, resource: 3 }[structure.kind];
  addType(structure.name, kind, structure.baseDefinition && lastSegment(structure.baseDefinition), structure.abstract);
  const own = types.at(-1);
  const byPath = new Map([[structure.name, own]]);
  for (const row of structure.snapshot.element.slice(1)) {
    const parent = byPath.get(row.path.slice(0, row.path.lastIndexOf('.')));
    if (!parent) fail(`${row.path} has no parent`);
    parent.rows.push(row);
    const nested = row.type?.some((t) => ['BackboneElement', 'Element'].includes(t.code));
    if (nested) {
      addType(row.path, 2, row.type[0].code, false);
      byPath.set(row.path, types.at(-1));
    }
  }
}
types.sort((a, b) => byText(a.name, b.name));
types.forEach((type, index) => typeIndex.set(type.name, index));
const typeNamed = (name) => typeIndex.get(name) ?? fail(`unknown type ${name}`);
for (const type of types) {
  type.baseIndex = type.base ? typeNamed(type.base) : NONE;
}
const isA = (index, base) => index !== NONE && (index === base || isA(types[index].baseIndex, base));

// Where a type lies whose children are rows: contentReference "#Questionnaire.item" is that type.
function rowTypes(row) {
  if (row.contentReference) return [{ code: row.contentReference.split('#')[1] }];
  if (row.type.some((t) => ['BackboneElement', 'Element'].includes(t.code))) return [{ code: row.path }];
  return row.type.map((t) => {
    if (!t.code.startsWith('http://hl7.org/fhirpath/')) return t;
    if (/^[A-Z][A-Za-z]*\.id$/.test(row.path) && types[typeNamed(row.path.split('.')[0])].kind === 3) return { code: 'id' };
    const extension = t.extension?.find((e) => e.url.endsWith('structuredefinition-fhir-type'));
    return { code: extension?.valueUrl ?? 'string' };
  });
}

const typeLists = [];
const typeListOf = new Map();
function typeList(indexes) {
  const sorted = [...new Set(indexes)].sort((a, b) => a - b);
  const key = sorted.join();
  if (!typeListOf.has(key)) {
    typeListOf.set(key, { first: typeLists.length, count: sorted.length });
    typeLists.push(...sorted);
  }
  return typeListOf.get(key);
}

function targetsOf(type) {
  const names = (type.targetProfile ?? []).map(lastSegment);
  if (names.length === 0 || names.includes('Resource') || names.some((name) => !typeIndex.has(name))) return typeList([]);
  return typeList(names.map(typeNamed));
}

const elements = [];
const properties = [];
for (const type of types) {
  type.firstElement = elements.length;
  type.firstProperty = properties.length;
  const isPrimitive = type.kind === 0;
  for (const row of type.rows) {
    const name = row.path.slice(row.path.lastIndexOf('.') + 1);
    if (isPrimitive && name === 'value') continue;  // the JSON value itself
    const choice = name.endsWith('[x]');
    const stem = choice ? name.slice(0, -3) : name;
    const element = {
      name: stem, path: row.path, min: row.min, max: row.max === '*' ? NONE : Number(row.max), choice,
      summary: !!row.isSummary, modifier: !!row.isModifier,
      binding: row.binding?.strength === 'required' ? bindingIndex(row.binding.valueSet.split('|')[0]) : NONE,
      first: properties.length, index: elements.length,
    };
    const seen = new Set();
    for (const rowType of rowTypes(row)) {
      if (seen.has(rowType.code)) continue;
      seen.add(rowType.code);
      const suffix = choice ? rowType.code[0].toUpperCase() + rowType.code.slice(1) : '';
      properties.push({ name: stem + suffix, element: element.index, type: typeNamed(rowType.code), targets: targetsOf(rowType), index: properties.length });
    }
    element.count = properties.length - element.first;
    elements.push(element);
  }
  type.elementCount = elements.length - type.firstElement;
  type.propertyCount = properties.length - type.firstProperty;
}

function hash(type, name) {
  let value = Math.imul(type, 0x9e3779b1);
  for (const c of Buffer.from(name)) value = Math.imul(value ^ c, 0x01000193);
  value >>>= 0;
  return (value ^ (value >>> 15)) >>> 0;
}
// Open addressing, at most half full: the value of each [type, name, value] by its hash.
function slotsOf(entries) {
  let count = 1;
  while (count < entries.length * 2) count *= 2;
  const slots = new Array(count).fill(NONE);
  for (const [type, name, value] of entries) {
    let slot = hash(type, name) % count;
    while (slots[slot] !== NONE) slot = (slot + 1) % count;
    slots[slot] = value;
  }
  return slots;
}

// -- Search expressions ------------------------------------------------------------------------------------------------
// A state is a type and the steps that lead to a value of it. An expression maps the states at its focus to new ones. `as` works on collections.

function childStates(state, name) {
  if (state.type === NONE) return [];
  const type = types[state.type];
  const element = elements.slice(type.firstElement, type.firstElement + type.elementCount).find((e) => e.name === name);
  if (!element) return [];
  return properties.slice(element.first, element.first + element.count).map((property) => ({
    type: property.type, property,
    steps: [...state.steps, { op: 'property', argument: property.index, text: '' }],
  }));
}

function ofType(states, name) {
  const index = typeIndex.get(name) ?? typeIndex.get(name[0].toLowerCase() + name.slice(1)) ?? fail(`as(${name})`);
  const resource = typeNamed('Resource');
  return states.flatMap((state) => {
    if (isA(state.type, index)) return [state];
    if (state.type === resource && isA(index, resource))
      return [{ ...state, type: index, steps: [...state.steps, { op: 'isResource', argument: index, text: '' }] }];
    return [];
  });
}

class Expression {
  constructor(text) {
    this.tokens = text.match(/'[^']*'|%?[A-Za-z_]\w*|\d+|!=|[()[\].|=]/g);
    this.at = 0;
    this.text = text;
  }
  peek() { return this.tokens[this.at]; }
  take(expected) {
    const token = this.tokens[this.at++];
    if (expected && token !== expected) fail(`expected ${expected}, found ${token} in ${this.text}`);
    return token;
  }
  // union := as ('|' as)*
  union(root, focus) {
    let states = this.cast(root, focus);
    while (this.peek() === '|') {
      this.take();
      states = [...states, ...this.cast(root, focus)];
    }
    return states;
  }
  cast(root, focus) {
    const states = this.postfix(root, focus);
    if (this.peek() !== 'as') return states;
    this.take();
    return ofType(states, this.take());
  }
  postfix(root, focus) {
    let states = this.term(root, focus);
    for (;;) {
      if (this.peek() === '.') {
        this.take();
        states = this.member(root, states);
      } else if (this.peek() === '[') {
        this.take();
        const argument = Number(this.take());
        this.take(']');
        states = states.map((s) => ({ ...s, steps: [...s.steps, { op: 'index', argument, text: '' }] }));
      } else {
        return states;
      }
    }
  }
  term(root, focus) {
    if (this.peek() === '(') {
      this.take();
      const states = this.union(root, focus);
      this.take(')');
      return states;
    }
    const name = this.take();
    if (name === '%resource') return root.map((state) => ({ ...state, fromRoot: true }));
    if (typeIndex.has(name) && types[typeIndex.get(name)].kind === 3) return focus.filter((state) => isA(state.type, typeIndex.get(name)));
    return focus.flatMap((state) => childStates(state, name));
  }
  member(root, states) {
    const name = this.take();
    if (this.peek() !== '(') return states.flatMap((state) => childStates(state, name).map((s) => ({ ...s, fromRoot: state.fromRoot })));
    this.take('(');
    if (name === 'as') {
      const type = this.take();
      this.take(')');
      return ofType(states, type);
    }
    if (name !== 'where') fail(`function ${name} in ${this.text}`);
    return this.where(states);
  }
  where(states) {
    if (this.peek() === 'resolve') {
      for (const token of ['resolve', '(', ')', 'is']) this.take(token);
      const argument = typeNamed(this.take());
      this.take(')');
      return states.map((s) => ({ ...s, steps: [...s.steps, { op: 'refersTo', argument, text: '' }] }));
    }
    const child = this.take();
    this.take('=');
    const text = this.take().slice(1, -1);
    this.take(')');
    return states.flatMap((s) =>
      childStates(s, child).map((c) => ({ ...s, steps: [...s.steps, { op: 'whereEquals', argument: c.property.index, text }] })));
  }
}

const kTruth = /^(\w+)\.(\w+)\.exists\(\) and \1\.\2 != false$/;

function compile(text, root, focus) {
  const truth = text.match(kTruth);
  if (truth) {
    const states = childStates(root[0], truth[2]);
    return [{ type: typeNamed('boolean'), steps: [{ op: 'isTrue', argument: states[0].property.element, text: '' }] }];
  }
  const expression = new Expression(text);
  const states = expression.union(root, focus);
  if (expression.at !== expression.tokens.length) fail(`left over at ${expression.peek()} in ${text}`);
  return states;
}

// A where(resolve() is X) that can only hold says nothing.
function simplify(states) {
  for (const state of states) {
    const last = state.steps.at(-1);
    const targets = state.property && typeLists.slice(state.property.targets.first, state.property.targets.first + state.property.targets.count);
    if (last?.op === 'refersTo' && targets.length === 1 && targets[0] === last.argument) state.steps = state.steps.slice(0, -1);
  }
  return [...new Map(states.map((state) => [stepsKey(state.steps), state])).values()];
}
const stepsKey = (steps) => steps.map((s) => `${s.op}:${s.argument}:${s.text}`).join('/');

const steps = [];
const paths = [];
const pathListOf = new Map();
function pathList(states) {
  const key = `${states.length} ${states.map((s) => stepsKey(s.steps)).join('|')}`;
  if (!pathListOf.has(key)) {
    const first = paths.length;
    for (const state of states) {
      paths.push({ first: steps.length, count: state.steps.length });
      steps.push(...state.steps);
    }
    pathListOf.set(key, { first, count: states.length });
  }
  return pathListOf.get(key);
}

// Search parameters that R4 lacks: what says which reports are about a study and who took a Patient over (docs/imaging.md), and what R5 calls
// DiagnosticReport-study.
const kOwnParameters = [
  { code: 'report', url: 'urn:hilum:SearchParameter:ImagingStudy-report', base: ['ImagingStudy'], type: 'reference', target: ['DiagnosticReport'],
    expression: "ImagingStudy.extension.where(url = 'urn:hilum:report').value as Reference" },
  { code: 'study', url: 'http://hl7.org/fhir/SearchParameter/DiagnosticReport-study', base: ['DiagnosticReport'], type: 'reference',
    target: ['ImagingStudy'], expression: 'DiagnosticReport.imagingStudy' },
  { code: 'replaced-by', url: 'urn:hilum:SearchParameter:Patient-replaced-by', base: ['Patient'], type: 'reference', target: ['Patient'],
    expression: "Patient.link.where(type = 'replaced-by').other" },
];
const definitions = [...resources('search-parameters.json'), ...kOwnParameters];
// What ImagingStudy has more for parameters of R4: images stay with the Patients whose place another one took.
const kReplaced = "ImagingStudy.subject.extension.where(url = 'urn:hilum:replaced-patient').value as Reference";
const kMoreOfImages = { subject: kReplaced, patient: `(${kReplaced}).where(resolve() is Patient)` };
const withMore = (d, type) =>
  types[type].name === 'ImagingStudy' && kMoreOfImages[d.code] ? { ...d, expression: `${d.expression} | ${kMoreOfImages[d.code]}` } : d;
const definitionByUrl = new Map(definitions.map((d) => [d.url, d]));
const groups = [];
const components = [];

const paramKey = (type, states) => `${type} ${states.map((s) => stepsKey(s.steps)).sort().join('|')}`;

function compileComposite(definition, root) {
  const compiled = [];
  for (const state of compile(definition.expression, root, root)) {
    const parts = definition.component.map((component) => {
      const states = simplify(compile(component.expression, root, [{ ...state, steps: [] }]));
      const type = definitionByUrl.get(component.definition).type;
      return {
        type: kSearchTypes.indexOf(type), fromRoot: states.some((s) => s.fromRoot), paths: pathList(states), key: paramKey(type, states), param: NONE,
      };
    });
    compiled.push({ path: pathList([state]).first, parts });
  }
  const first = groups.length;
  for (const group of compiled) {
    groups.push({ key: JSON.stringify(group), path: group.path, field: NONE, first: components.length, count: group.parts.length });
    components.push(...group.parts);
  }
  return { key: '', wideKey: '', groups: { first, count: compiled.length }, states: [] };
}

function compileParam(definition, type) {
  const root = [{ type, steps: [] }];
  if (definition.type === 'composite') return compileComposite(definition, root);
  // SampledData has no one value to compare.
  const compared = (state) => state.type !== typeNamed('SampledData');
  const states = definition.expression ? simplify(compile(definition.expression, root, root)).filter(compared) : [];
  if (definition.expression && states.length === 0) fail(`${definition.url} says nothing about ${types[type].name}`);
  const only = states.length > 0 && states.every((s) => s.steps.at(-1)?.op === 'refersTo') ? states[0].steps.at(-1).argument : NONE;
  const wide = states.map((s) => ({ ...s, steps: s.steps.slice(0, -1) }));
  return {
    key: paramKey(definition.type, states), wideKey: only === NONE ? '' : paramKey(definition.type, wide), only, states, groups: { first: 0, count: 0 },
  };
}

const searchParams = [];
types.forEach((type, index) => {
  type.firstSearch = searchParams.length;
  type.searchFields = 0;
  if (type.kind !== 3 || type.abstract) return;
  const own = definitions.filter((d) => d.base.some((base) => isA(index, typeNamed(base)))).map((d) => withMore(d, index)).sort((a, b) => byText(a.code, b.code));
  const compiled = own.map((definition) => ({ definition, ...compileParam(definition, index) }));
  const keys = new Set(compiled.map((c) => c.key));
  const fieldOf = new Map();
  const fieldFor = (key, count) => {
    if (!fieldOf.has(key)) {
      fieldOf.set(key, type.searchFields);
      type.searchFields += count;
    }
    return fieldOf.get(key);
  };
  const paramOf = new Map(compiled.filter((c) => c.states.length > 0).map((c) => [c.key, c]));
  compiled.forEach((c, i) => (c.index = searchParams.length + i));
  for (const c of compiled) {
    const d = c.definition;
    const narrowed = c.wideKey && keys.has(c.wideKey);
    // Logical ids are how documents are found; the index has no list of them.
    const indexed = c.states.length > 0 && d.code !== '_id';
    const field = indexed ? fieldFor(narrowed ? c.wideKey : c.key, ({ quantity: 3, special: 2 })[d.type] ?? 1) : NONE;
    for (const group of groups.slice(c.groups.first, c.groups.first + c.groups.count)) {
      // Components of the resource itself that are parameters too are indexed by those; values of a repeating element must be kept together.
      const parts = components.slice(group.first, group.first + group.count);
      if (paths[group.path].count === 0 && parts.every((part) => paramOf.has(part.key))) {
        for (const part of parts) part.param = paramOf.get(part.key).index;
      } else {
        group.field = fieldFor(group.key, 1);
      }
    }
    searchParams.push({
      code: d.code, url: d.url, type: kSearchTypes.indexOf(d.type), resource: index, paths: pathList(c.states),
      targets: typeList((d.target ?? []).filter((t) => t !== 'Resource' && typeIndex.has(t)).map(typeNamed)), groups: c.groups,
      field, only: narrowed ? c.only : NONE, expression: d.expression ?? '',
    });
  }
});
for (const type of types) type.searchCount = searchParams.filter((p) => types[p.resource] === type).length;

// -- Compartments ------------------------------------------------------------------------------------------------------

const members = [];
const memberParams = [];
const compartments = profiles.filter((r) => r.resourceType === 'CompartmentDefinition').map((definition) => {
  const first = members.length;
  for (const row of definition.resource.filter((r) => r.param?.length && typeIndex.has(r.code))) {
    const type = typeNamed(row.code);
    const indexes = row.param.map((code) => searchParams.findIndex((p) => p.resource === type && p.code === code)).filter((i) => i >= 0);
    members.push({ type, first: memberParams.length, count: indexes.length, self: row.code === definition.code });
    memberParams.push(...indexes);
  }
  return { type: typeNamed(definition.code), first, count: members.length - first };
});

// -- Output ------------------------------------------------------------------------------------------------------------

// With its size, so that compilers need not count.
const text = (s) => `{${JSON.stringify(s)}, ${Buffer.byteLength(s)}}`;
const range = (r) => `{${r.first}, ${r.count}}`;
const out = ['// Generated by fhir/definitions/generate.mjs.', '#include "fhir/definitions/tables.h"', '', 'namespace hilum::fhir::tables {', ''];
function table(name, type, rows) {
  if (rows.length > NONE) fail(`${name} has ${rows.length} rows, more than 16 bits can count`);
  out.push(`namespace { constexpr ${type} ${name}Rows[] = {`, ...rows.map((row) => `    ${row},`), '}; }', `const std::span<const ${type}> ${name}(${name}Rows);`, '');
}
const id = (type, index) => `${type}{${index}}`;
const kinds = ['kPrimitive', 'kComplex', 'kBackbone', 'kResource'];

const version = structures.find((s) => s.name === 'Patient').fhirVersion;
out.push(`const std::string_view kVersion = ${text(version)};`, '');
table('kTypes', 'Type', types.map((t) => `{${text(t.name)}, TypeKind::${kinds[t.kind]}, Primitive{${t.kind === 0 ? kPrimitives.indexOf(t.name) : 0}}, ` +
  `${id('TypeId', t.baseIndex)}, {${t.firstProperty}, ${t.propertyCount}}, {${t.firstElement}, ${t.elementCount}}, {${t.firstSearch}, ${t.searchCount}}, ${t.searchFields}}`));
table('kResourceTypes', 'TypeId', types.flatMap((t, i) => (t.kind === 3 && !t.abstract ? [id('TypeId', i)] : [])));
table('kElements', 'Element', elements.map((e) => `{${text(e.name)}, ${text(e.path)}, ${e.min}, ${e.max}, ${e.choice}, ${e.summary}, ${e.modifier}, ${e.binding}, ${range(e)}}`));
table('kProperties', 'Property', properties.map((p) => `{${text(p.name)}, ${id('ElementId', p.element)}, ${id('TypeId', p.type)}, ${range(p.targets)}}`));
table('kTypeLists', 'TypeId', typeLists.map((t) => id('TypeId', t)));
table('kBindings', 'Binding', bindings.map((b) => `{${text(b.url)}, ${range(b)}}`));
table('kCodes', 'ValueSetCode', codes.map(([system, code]) => `{${text(system)}, ${text(code)}}`));
table('kSearchParams', 'SearchParam', searchParams.map((p) => `{${text(p.code)}, ${text(p.url)}, SearchType{${p.type}}, ${id('TypeId', p.resource)}, ${range(p.paths)}, ` +
  `${range(p.targets)}, ${range(p.groups)}, ${p.field}, ${id('TypeId', p.only)}, ${text(p.expression)}}`));
table('kPaths', 'Path', paths.map((p) => `{${range(p)}}`));
table('kSteps', 'Step', steps.map((s) => `{Step::Op{${kOps[s.op]}}, ${s.argument}, ${text(s.text)}}`));
table('kGroups', 'CompositeGroup', groups.map((g) => `{${g.path}, ${g.field}, ${range(g)}}`));
table('kComponents', 'CompositeComponent', components.map((c) => `{SearchType{${c.type}}, ${c.fromRoot}, ${c.param}, ${range(c.paths)}}`));
table('kCompartments', 'Compartment', compartments.map((c) => `{${id('TypeId', c.type)}, ${range(c)}}`));
table('kMembers', 'CompartmentMember', members.map((m) => `{${id('TypeId', m.type)}, ${range(m)}, ${m.self}}`));
table('kMemberParams', 'uint16_t', memberParams);
const slotRows = (slots) => Array.from({ length: slots.length / 32 }, (_, i) => slots.slice(i * 32, i * 32 + 32).join(', '));
table('kPropertySlots', 'uint16_t', slotRows(slotsOf(types.flatMap((type, index) =>
  properties.slice(type.firstProperty, type.firstProperty + type.propertyCount).map((p, i) => [index, p.name, type.firstProperty + i])))));
table('kResourceSlots', 'uint16_t', slotRows(slotsOf(types.flatMap((t, i) => (t.kind === 3 && !t.abstract ? [[0, t.name, i]] : [])))));
out.push('}  // namespace hilum::fhir::tables', '');
fs.writeFileSync(output, out.join('\n'));
