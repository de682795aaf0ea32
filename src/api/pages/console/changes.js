// Changed fields of a user, in words.

import { USER_TYPES } from './directory.js';
import { h } from './dom.js';
import { t } from './messages.js';

/** The key of the label of each field. */
const LABELS = {
  name: 'form.name',
  userName: 'form.userName',
  nickName: 'field.nickName',
  tooltip: 'groups.description',
  rank: 'roles.rank',
  type: 'roles.type',
  isActive: 'field.active',
  isOnTravel: 'field.onTravel',
  waitingForApproval: 'field.waitingForApproval',
  ejUserId: 'field.serviceUserId',
  presence: 'field.presence',
  presenceMessage: 'field.presenceMessage',
  role: 'user.role',
  group: 'user.group',
  otherGroups: 'form.otherGroups',
  customFields: 'field.customFields',
  extraFields: 'field.extraFields',
  personId: 'field.personId',
  'Person.Firstname': 'form.firstName',
  'Person.MiddleName': 'field.middleName',
  'Person.Lastname': 'form.lastName',
  'Person.Mrmrs': 'field.formOfAddress',
  'Person.Title': 'form.title',
  'Person.Position': 'field.position',
  'Person.Description': 'field.personDescription',
  'Person.Email': 'form.email',
  'Person.DirectPhone': 'form.phone',
  'Person.MobilePhone': 'form.mobile',
  'Person.ContactName': 'field.company',
  'Person.ContactDepartment': 'field.department',
  'Person.Retired': 'field.personRetired',
};

/** The values of presence with a text. */
const PRESENCES = ['StatusNone', 'StatusNormal', 'StatusNotAvailable', 'StatusDeleted', 'StatusReadOnly', 'StatusSystem'];

/** The changed fields, each before and after. A field without a value before has only the new one. */
export function changes(before, after) {
  const order = Object.keys(LABELS);
  const fields = [...new Set([...order, ...Object.keys(before), ...Object.keys(after)])].filter(name => name in before || name in after);
  if (!fields.length) return '';
  const item = name => {
    const old = name in before && [value(name, before[name]), ' ', h('span', { role: 'img', 'aria-label': t('change.arrow') }, '→'), ' '];
    return h('li', {}, h('span', { class: 'fine' }, `${label(name)}: `), old || '', value(name, after[name]));
  };
  return h('ul', { class: 'changes' }, fields.map(item));
}

const label = name => (LABELS[name] ? t(LABELS[name]) : name);

/** A value as text: yes or no, a list with commas, a type of users, a presence. */
function value(name, raw) {
  if (raw === undefined || raw === null || raw === '' || raw.length === 0) return h('em', { class: 'fine' }, t('change.empty'));
  if (typeof raw === 'boolean') return t(raw ? 'button.yes' : 'button.no');
  if (Array.isArray(raw)) return raw.join(', ');
  const role = name === 'type' && Object.keys(USER_TYPES).find(role => USER_TYPES[role] === raw);
  if (role) return t(`roles.${role}`);
  if (name === 'presence' && PRESENCES.includes(raw)) return t(`presence.${raw}`);
  return typeof raw === 'object' ? JSON.stringify(raw) : String(raw);
}
