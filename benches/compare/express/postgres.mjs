// Users and executions in PostgreSQL, by node-postgres, in a schema of their own, which is made anew at each start. Each
// insert is durable, as PostgreSQL's default is (synchronous_commit = on).
import pg from "pg";

const CONNECTIONS = 16; // as many as kommando has for requests (KOMMANDO_DATABASE_CONNECTIONS)

export async function open(connectionString, users) {
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS });
  await pool.query(`DROP SCHEMA IF EXISTS compare_express CASCADE;
    CREATE SCHEMA compare_express;
    CREATE TABLE compare_express.users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, full_name TEXT NOT NULL, email TEXT);
    CREATE TABLE compare_express.executions (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id INTEGER NOT NULL,
      command_name TEXT NOT NULL, action_result TEXT NOT NULL, message TEXT NOT NULL, executed_at TIMESTAMPTZ NOT NULL);
    CREATE INDEX ix_executions_user_id ON compare_express.executions (user_id);`);
  await pool.query(
    `INSERT INTO compare_express.users SELECT * FROM json_populate_recordset(NULL::compare_express.users, $1)`,
    [JSON.stringify(users)],
  );

  // A name has a connection prepare the statement once.
  const find = { name: "find", text: "SELECT id, name, full_name, email FROM compare_express.users WHERE id = $1" };
  const insert = {
    name: "insert",
    text: `INSERT INTO compare_express.executions (user_id, command_name, action_result, message, executed_at)
      VALUES ($1, $2, $3, $4, $5)`,
  };
  return {
    find: async (id) => (await pool.query({ ...find, values: [id] })).rows[0],
    insert: (values) => pool.query({ ...insert, values }),
  };
}
