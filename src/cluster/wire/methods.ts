/** Names of the calls that fourlane makes, as gRPC has them. */
export const METHODS = {
  range: '/etcdserverpb.KV/Range',
  put: '/etcdserverpb.KV/Put',
  deleteRange: '/etcdserverpb.KV/DeleteRange',
  txn: '/etcdserverpb.KV/Txn',
  compact: '/etcdserverpb.KV/Compact',
  watch: '/etcdserverpb.Watch/Watch',
  leaseGrant: '/etcdserverpb.Lease/LeaseGrant',
  leaseRevoke: '/etcdserverpb.Lease/LeaseRevoke',
  leaseKeepAlive: '/etcdserverpb.Lease/LeaseKeepAlive',
  status: '/etcdserverpb.Maintenance/Status',
  memberList: '/etcdserverpb.Cluster/MemberList',
  userAdd: '/etcdserverpb.Auth/UserAdd',
  userGrantRole: '/etcdserverpb.Auth/UserGrantRole',
  roleAdd: '/etcdserverpb.Auth/RoleAdd',
  roleGrantPermission: '/etcdserverpb.Auth/RoleGrantPermission',
  authEnable: '/etcdserverpb.Auth/AuthEnable',
} as const;

export type Method = (typeof METHODS)[keyof typeof METHODS];
