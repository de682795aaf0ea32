// The same operation as one would write it by hand: Express, one process, and better-sqlite3 or node-postgres. A user is
// looked up by id, actionResult is checked, and running a command is one durable insert. Callers are not authenticated;
// nothing is audited.
// Arguments: database (a file, or postgres://…), number of users. Prints its address.
import express from "express";

const [database, users] = process.argv.slice(2);
const { open } = await import(/^postgres(ql)?:/.test(database) ? "./postgres.mjs" : "./sqlite.mjs");
const db = await open(
  database,
  Array.from({ length: Number(users) }, (_, index) => {
    const id = index + 1;
    return { id, name: `user${id}`, full_name: `First${id % 997} Last${id}`, email: `user${id}@example.com` };
  }),
);
const RESULTS = new Set(["Implicit", "Yes", "Ok", "No", "Cancel"]);

const app = express();
app.disable("x-powered-by");
app.disable("etag");

app.get("/api/v1/User/:id", async (request, response) => {
  const user = await db.find(Number(request.params.id));
  if (!user) return response.status(404).json({ Message: "User with given id does not exist in the db." });
  response.json({ AssociateId: user.id, Name: user.name, FullName: user.full_name, Email: user.email });
});

app.post("/api/v1/User/:id/CustomCommand/:commandName", async (request, response) => {
  const actionResult = request.query.actionResult ?? "Implicit";
  if (!RESULTS.has(actionResult)) {
    return response.status(400).json({ Message: `actionResult is none of ${[...RESULTS].join(", ")}` });
  }
  const user = await db.find(Number(request.params.id));
  if (!user) return response.status(404).json({ Message: "User with given id does not exist in the db." });
  const message = `Hello, ${user.full_name}!`;
  await db.insert([user.id, request.params.commandName, actionResult, message, new Date().toISOString()]);
  response.json({ Success: true, Message: message, Result: actionResult, TableRight: null, FieldProperties: {} });
});

const listener = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${listener.address().port}/`));
