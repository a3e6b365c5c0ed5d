# The addon. Built by `npm run build:native` into build/Release/flyshuttle.node; see
# native/addon.cc. On Windows the target is empty: there are no bells, and Flyshuttle runs in pure
# JavaScript.
#
# CMake builds the same files with the same flags: it reads them here (native/cmake/read_gyp.py).
#
# With `-Dprebuild=1` (`npm run build:prebuilds`) it becomes the binary that is shipped:
# without the rigs of tests and benchmarks, and without a library to depend on; see
# native/platform/runtime.cc.
{
  'variables': {'prebuild%': 0},
  'targets': [
    {
      'target_name': 'flyshuttle',
      'variables': {
        'warnings': [
          '-Wall',
          '-Wextra',
          '-Wpedantic',
          '-Wconversion',
          '-Wsign-conversion',
          '-Wshadow',
          '-Wnon-virtual-dtor',
          '-Woverloaded-virtual',
          '-Wold-style-cast',
        ],
        # Errors in the project's own checks alone: a user's compiler may know more warnings.
        'werror': '<!(node -p "process.env.FLYSHUTTLE_REQUIRE_ADDON ? \'-Werror\' : \'-Wno-error\'")',
        # The headers of others are not ours to mend.
        'foreign_headers': [
          '-isystem<(node_root_dir)/include/node',
          '-isystem<!(node -p "path.resolve(require(\'node-addon-api\').include_dir)")',
        ],
      },
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
            'native/glue/copying.cc',
            'native/glue/doorbell.cc',
            'native/glue/layout.cc',
            'native/glue/litmus.cc',
            'native/glue/loop_bell.cc',
            'native/glue/placement.cc',
            'native/glue/rings.cc',
            'native/glue/stress.cc',
          ],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
          'cflags_cc': [
            '-std=c++20',
            '-O3',
            '-fno-exceptions',
            '-fno-rtti',
            '-fvisibility=hidden',
            '<@(warnings)',
            '<(werror)',
            '<@(foreign_headers)',
          ],
        }],
        ['OS=="linux"', {
          'sources': ['native/platform/bell_linux.cc', 'native/platform/placement_linux.cc'],
        }],
        ['prebuild==1', {
          'sources!': ['native/glue/litmus.cc', 'native/glue/stress.cc'],
          'sources': ['native/platform/runtime.cc'],
          # The second: strings are made of templates here, not of functions in libstdc++. The
          # third: on 64-bit systems it changes nothing but names, to some that musl lacks.
          'defines': ['FLYSHUTTLE_PREBUILD', '_GLIBCXX_EXTERN_TEMPLATE=0'],
          'defines!': ['_FILE_OFFSET_BITS=64'],
          'cflags_cc': ['-U_FORTIFY_SOURCE'],
          'ldflags': [
            '-nodefaultlibs',
            '-Wl,--version-script=<(module_root_dir)/native/platform/exports.map',
            '-Wl,--strip-all',
          ],
          'libraries': ['-lgcc'],
        }],
        ['OS!="linux" and OS!="win"', {
          'sources': ['native/platform/bell_posix.cc', 'native/platform/placement_none.cc'],
        }],
        ['OS=="mac"', {
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
            'GCC_OPTIMIZATION_LEVEL': '3',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'MACOSX_DEPLOYMENT_TARGET': '11.0',
            'OTHER_CPLUSPLUSFLAGS': ['<@(foreign_headers)'],
            'WARNING_CFLAGS': ['<@(warnings)', '<(werror)'],
          },
        }],
      ],
    },
  ],
}
