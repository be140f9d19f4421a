"""asyncpg for Python, over uvloop: the same slices as Slice.java, told and answered in the same lines.

Its values are Python objects when fetch() returns, so nothing of them is left to be decoded. To fold them is this
program's own work and slow in Python: one operation before each slice is folded and checked, outside what is measured.
"""

import asyncio
import gc
import resource
import sys
import time

import asyncpg
import uvloop

KEYS = 10_000
COLD_STATEMENTS = 200
PORTION = 5_000
ITEMS = [(i, "item number %d" % i, i * 1_000, i * 0.25) for i in range(10_000)]


def fold(value):
    kind = type(value)
    if kind is int:
        return value
    if kind is str:
        return len(value) * 31 + ord(value[-1]) if value else 0
    if kind is bytes:
        return len(value) * 31 + value[-1]
    if kind is float:
        return int(value)
    if kind is bool:
        return 1 if value else 0
    if kind is list:
        return sum(value)
    name = kind.__name__
    if name == "Decimal":
        return int(value * 100) * 31 + 2
    if name == "datetime":
        return int(value.timestamp()) + value.microsecond
    if name == "UUID":
        return (value.int & 0xFF) + (value.int >> 64 & 0xFF)
    raise TypeError(name)


def fold_rows(rows):
    return sum(fold(value) for row in rows for value in row)


def expected(key):
    return key + (10 * 31 + ord("0") + key % 10) + key * 100


class Contender:
    def __init__(self, user, database):
        self.user, self.database = user, database
        self.connections, self.opened = [], None

    def connect(self):
        host, port = self.opened[1:]
        return asyncpg.connect(host=host, port=int(port), user=self.user, database=self.database, ssl=False)

    async def open(self, wanted):
        if wanted != self.opened:
            for connection in self.connections:
                await connection.close()
            self.opened = wanted
            self.connections = [await self.connect() for _ in range(int(wanted[0]))]

    async def operation(self, workload, sql, connection, key, check):
        if workload == "SELECT_1":
            return await connection.fetchval(sql)
        if workload == "ONE_ROW":
            row = await connection.fetchrow(sql, key)
            return fold_rows([row]) - expected(key) if check else 0
        if workload.endswith("_BOUNDED"):
            total = 0
            async with connection.transaction():
                cursor = await connection.cursor(sql)
                while rows := await cursor.fetch(PORTION):
                    if check:
                        total += fold_rows(rows)
            return total
        if workload == "EXECUTE_MANY":
            await connection.executemany(sql, ITEMS)
            return len(ITEMS)
        if workload == "COPY_IN":
            many = (item for _ in range(100) for item in ITEMS)
            tag = await connection.copy_records_to_table(
                sql, records=many, columns=["id", "name", "amount", "price"])
            return int(tag.split()[-1])
        rows = await connection.fetch(sql)
        return fold_rows(rows) if check else 0

    async def cold(self, sql):
        connection = await self.connect()
        start = time.perf_counter_ns()
        total = 0
        for number in range(1, COLD_STATEMENTS + 1):
            total += fold_rows([await connection.fetchrow("%s /* %d */" % (sql, number), number)])
        end = time.perf_counter_ns()
        await connection.close()
        return total, end - start

    async def lane(self, workload, sql, connection, key, deadline, times, sums):
        while True:
            key = key % KEYS + 1
            start = time.perf_counter_ns()
            if workload == "COLD":
                total, spent = await self.cold(sql)
                sums.add(total)
                times.append(spent)
            else:
                await self.operation(workload, sql, connection, key, False)
                times.append(time.perf_counter_ns() - start)
            if time.perf_counter_ns() >= deadline:
                return

    async def run(self, workload, millis, sql):
        times, sums = [], set()
        if workload in ("EXECUTE_MANY", "COPY_IN"):
            sums.add(len(ITEMS) * (100 if workload == "COPY_IN" else 1))  # the rows themselves are checked in the table
        elif workload != "COLD":
            sums.add(await self.operation(workload, sql, self.connections[0], 4_321, True))
        gc.collect()
        cpu = time.process_time_ns()
        start = time.perf_counter_ns()
        deadline = start + millis * 1_000_000
        await asyncio.gather(*(
            self.lane(workload, sql, connection, i * 100, deadline, times, sums)
            for i, connection in enumerate(self.connections)))
        wall = time.perf_counter_ns() - start
        cpu = time.process_time_ns() - cpu
        if len(sums) != 1:
            raise ValueError("different checksums: %s" % sums)
        times.sort()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        checksum = (sums.pop() + 2**63) % 2**64 - 2**63
        return "ok %d %d %d 0 %.2f %.2f %d 0 %d" % (
            len(times), wall, cpu, times[len(times) // 2] / 1e3, times[min(len(times) - 1, int(len(times) * 0.99))] / 1e3,
            peak, checksum)


async def main(user, database):
    contender = Contender(user, database)
    print("ready asyncpg %s, uvloop %s, Python %s" % (
        asyncpg.__version__, uvloop.__version__, sys.version.split()[0]), flush=True)
    for line in sys.stdin:
        workload, connections, millis, host, port, sql = line.rstrip("\n").split(" ", 5)
        try:
            await contender.open((connections, host, port))
            print(await contender.run(workload, max(0, int(millis)), sql), flush=True)
        except Exception as failure:
            print("failed %r" % failure, flush=True)
            return


uvloop.install()
asyncio.run(main(sys.argv[1], sys.argv[2]))
