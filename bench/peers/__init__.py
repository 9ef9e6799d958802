"""The same work done by others: two SCIM servers that anybody can install, each in its best light.

Both keep everything in memory, count nothing, audit nothing and lose all at their end. They get an index of
usernames, one core, and the same requests; what they are asked for is in their memory before the first.
"""
