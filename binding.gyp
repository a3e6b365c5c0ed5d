# The addon. Built by `npm run build:native` into build/Release/flyshuttle.node; see
# native/addon.cc. On Windows the target is empty: there are no bells, and Flyshuttle runs in pure
# JavaScript.
{
  'targets': [
    {
      'target_name': 'flyshuttle',
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      # The last: in a worker that is being terminated nothing can be thrown, and that is no reason
      # to abort the process.
      'defines': [
        'NAPI_VERSION=8',
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'conditions': [
        ['OS=="win"', {
          'type': 'none',
        }, {
          'sources': [
            'native/addon.cc',
            'native/glue/bells.cc',
            'native/glue/doorbell.cc',
            'native/glue/layout.cc',
            'native/glue/loop_bell.cc',
            'native/glue/rings.cc',
            'native/glue/stress.cc',
          ],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
          'cflags_cc': ['-std=c++20', '-O3', '-Wall', '-Wextra', '-fvisibility=hidden'],
        }],
        ['OS=="linux"', {
          'sources': ['native/platform/bell_linux.cc'],
        }],
        ['OS!="linux" and OS!="win"', {
          'sources': ['native/platform/bell_posix.cc'],
        }],
        ['OS=="mac"', {
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
            'GCC_OPTIMIZATION_LEVEL': '3',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'MACOSX_DEPLOYMENT_TARGET': '11.0',
            'WARNING_CFLAGS': ['-Wall', '-Wextra'],
          },
        }],
      ],
    },
  ],
}
