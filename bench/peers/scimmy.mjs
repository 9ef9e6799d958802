// SCIMMY with its express routers over maps, as its documentation shows it, and an index of usernames.
//
//   node scimmy.mjs BODIES COUNT MEMBERS TOKEN ROWS
//
// makes COUNT people from the bodies, and a group of the first MEMBERS of them; writes "id username" of each
// person to ROWS, in lines of one length; prints the group's id and its URL once it listens.

import {randomUUID} from "node:crypto";
import {readFileSync, writeFileSync} from "node:fs";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [bodiesFile, count, memberCount, token, rowsFile] = process.argv.slice(2);
const users = new Map(), usernames = new Map(), groups = new Map();

function stored(map, id, data) {
  const now = new Date();
  const kept = {...data, id, meta: {...(map.get(id)?.meta ?? {created: now}), lastModified: now}};
  map.set(id, kept);
  return kept;
}

function found(map, resource) {
  if (!map.has(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
  return map.get(resource.id);
}

// A filter is a list of alternatives; of one that says which username, the index knows the answer.
function searched(filter) {
  const [operator, value] = filter?.length === 1 ? filter[0].userName ?? [] : [];
  if (operator === "eq") return [usernames.get(value)].filter(Boolean);
  return filter ? filter.match([...users.values()]) : [...users.values()];
}

SCIMMY.Schemas.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress((resource, data) => {
    const taken = usernames.get(data.userName);
    if (taken && taken.id !== resource.id) throw new SCIMMY.Types.Error(409, "uniqueness", "userName is taken");
    const user = stored(users, resource.id ?? randomUUID(), data);
    usernames.set(user.userName, user);
    return user;
  })
  .egress((resource) => (resource.id ? found(users, resource) : searched(resource.filter)));
SCIMMY.Resources.declare(SCIMMY.Resources.Group)
  .ingress((resource, data) => stored(groups, resource.id ?? randomUUID(), data))
  .egress((resource) => (resource.id ? found(groups, resource) : [...groups.values()]));

const bodies = readFileSync(bodiesFile, "utf8").trim().split("\n");
const rows = [];
for (let number = 0; number < Number(count); number += 1) {
  const body = JSON.parse(bodies[number % bodies.length].replaceAll("@@", `u${number}`));
  const user = stored(users, randomUUID(), body);
  usernames.set(user.userName, user);
  rows.push(`${user.id} ${user.userName}`.padEnd(63) + "\n");
}
writeFileSync(rowsFile, rows.join(""));
const members = [...users.values()].slice(0, Number(memberCount)).map(({id}) => ({value: id, type: "User"}));
const group = stored(groups, randomUUID(), {displayName: "All", members});

const app = express();
app.use("/scim", new SCIMMYRouters({
  type: "bearer",
  handler: (request) => {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("no such token");
    return "bench";
  },
}));
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`${group.id} http://127.0.0.1:${server.address().port}/scim`);
});
